#include "lint/script.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

std::string value(const Script& script, std::string_view name) {
    const auto* option = script.option(name);
    return option ? option->value : "(none)";
}

} // namespace

TEST(ShellWords, are_those_of_a_shell) {
    EXPECT_THAT(shell_words("a  'b c' \"d \\\" e\" f\\ g"), ElementsAre("a", "b c", "d \" e", "f g"));
    EXPECT_THAT(shell_words("x=$(a | b) y|z&&w || v; u &"),
                ElementsAre("x=$(a | b)", "y", "|", "z", "&&", "w", "||", "v", ";", "u", "&"));
    EXPECT_THAT(shell_words("a >log 2>&1 &>all"), ElementsAre("a", ">log", "2>&1", "&>all"));
    EXPECT_THAT(shell_words("$((1 + 2)) \"$(x \\\"y\\\")\""), ElementsAre("$((1 + 2))", "$(x \"y\")"));
    EXPECT_THAT(shell_words("'never closed"), ElementsAre("never closed"));
    EXPECT_THAT(shell_words("$(never closed"), ElementsAre("$(never closed"));
    EXPECT_THAT(shell_words("\\"), ElementsAre(""));
    EXPECT_THAT(shell_words("''"), ElementsAre(""));
    EXPECT_THAT(shell_words(" \t"), IsEmpty());
}

TEST(Script, has_the_options_that_sbatch_reads) {
    auto script = read_script("job.sh", "#!/bin/bash\n"
                                        "#SBATCH -N2 --ntasks-per-node=8 # eight\n"
                                        "# a comment\n"
                                        "\n"
                                        "#SBATCH --job-name \"my job\" -c 4\n"
                                        "##SBATCH --gres=gpu:1\n"
                                        "#SBATCH --exclusive --time=5\n"
                                        "true\n"
                                        "#SBATCH --nodes=9\n");
    EXPECT_EQ(value(script, "--nodes"), "2");
    EXPECT_EQ(value(script, "--ntasks-per-node"), "8");
    EXPECT_EQ(value(script, "--job-name"), "my job");
    EXPECT_EQ(value(script, "--cpus-per-task"), "4");
    EXPECT_EQ(value(script, "--gres"), "(none)");
    EXPECT_EQ(value(script, "--exclusive"), "");
    EXPECT_EQ(value(script, "--time"), "5");
    EXPECT_EQ(script.option("--time")->line, 7);
    EXPECT_THAT(script.late, ElementsAre(9));
    EXPECT_THAT(script.mistyped, IsEmpty());
    EXPECT_TRUE(script.has_interpreter);
}

TEST(Script, lets_the_command_line_win) {
    auto script = read_script("job.sh", "#!/bin/sh\n#SBATCH -N2\n", {"--nodes=3", "-p", "gpu"});
    EXPECT_EQ(value(script, "--nodes"), "3");
    EXPECT_EQ(value(script, "--partition"), "gpu");
}

TEST(Script, tells_what_looks_like_an_option_and_is_none) {
    auto script = read_script("job.sh", "#!/bin/sh\n# SBATCH --nodes=2\n#sbatch -N2\n#SBATCH--nodes=2\n"
                                        "# SBATCH is read above\n##SBATCH --x\n"
                                        "# Sbatch --parsable prints the id\n# sbatch -N2 job.sh\n");
    EXPECT_THAT(script.mistyped, ElementsAre(2, 3, 4));
}

TEST(Script, tells_a_here_document_from_a_shift_a_string_and_a_word) {
    for (std::string line : {"size=$((1 << 20))", "(( n <<= 2 ))", "echo \"a << b\"", "echo 'a << b'",
                             "cat <<< word", "echo a \\<< b"}) {
        auto script = read_script("job.sh", "#!/bin/sh\n" + line + "\nsrun hostname\n");
        ASSERT_EQ(script.lines.size(), 2U) << line;
        EXPECT_EQ(script.lines.back().text, "srun hostname") << line;
    }
    EXPECT_EQ(read_script("job.sh", "#!/bin/sh\ncat > $((1 << 2)) <<END\nsrun\nEND\nlast\n").lines.size(),
              2U);
}

TEST(Script, has_commands_without_comments_and_here_documents) {
    auto script = read_script("job.sh", "#!/bin/sh\n"
                                        "srun --x \\\n"
                                        "    train.py   # go\n"
                                        "cat <<'END' >file\n"
                                        "sleep 5\n"
                                        "END\n"
                                        "for n in a b; do\n"
                                        "    echo \"# $n\"\n"
                                        "done\n"
                                        "while true; do x; done\n"
                                        "last\r\n");
    std::vector<std::string> seen;
    for (auto& line : script.lines)
        seen.push_back(std::to_string(line.number) + (line.in_loop ? "+" : " ") + line.words.front());
    EXPECT_THAT(seen, ElementsAre("2 srun", "4 cat", "7 for", "8+echo", "9+done", "10 while", "11 last"));
    EXPECT_THAT(script.lines[0].words, ElementsAre("srun", "--x", "train.py"));
    EXPECT_TRUE(script.has_dos_lines);
}
