#include "launcher/agent/placeholders.hpp"
#include "launcher/recipes/recipe.hpp"

#include <gtest/gtest.h>

namespace railhead {
namespace {

const std::map<std::string, std::string> values{{"dir", "/tmp/rh-7.0-abc123"}, {"file.token", "/tmp/t"}};

TEST(Placeholders, are_filled_wherever_they_stand) {
    EXPECT_EQ(fill("${dir}/a:${file.token}${dir}", values), "/tmp/rh-7.0-abc123/a:/tmp/t/tmp/rh-7.0-abc123");
}

TEST(Placeholders, leave_the_users_own_text_as_it_stands) {
    for (auto* text : {"", "$", "$$", "${", "${HOME}", "a}b", "$(date) ${x:-y} $1", "${addr.0}"})
        EXPECT_EQ(fill(text, values), text);
}

TEST(Placeholders, can_be_written_so_that_they_are_none) {
    EXPECT_EQ(fill("a ${$}{dir} $ $${$}{ ${$}{$} ${$}{", values), "a ${dir} $ $${ ${$} ${");
}

TEST(Placeholders, name_a_secret_file_that_the_process_does_not_have) {
    auto filled = fill("--token=${file.tokn}", values);
    ASSERT_FALSE(filled);
    EXPECT_EQ(sentence(filled.error()),
              "${file.tokn} has no value on this node (expected one of dir, file.token)");
}

TEST(Placeholders, are_filled_in_what_railhead_wrote_and_not_in_the_users_words) {
    Process process{.id = "p",
                    .role = Role::driver,
                    .argv = {"x", "${dir}", literal("${dir}")},
                    .env = {{"A", "${dir}/a"}},
                    .milestones = {{.name = "m", .kind = "file", .arg = "${dir}/f"}}};
    auto driver = filled(process, values);
    ASSERT_TRUE(driver);
    EXPECT_EQ(driver->argv[1], "/tmp/rh-7.0-abc123");
    EXPECT_EQ(driver->argv[2], "${dir}");
    EXPECT_EQ(driver->env.at("A"), "/tmp/rh-7.0-abc123/a");
    EXPECT_EQ(driver->milestones[0].arg, "/tmp/rh-7.0-abc123/f");
}

TEST(EnvironmentFor, removes_names_and_prefixes_before_it_adds) {
    auto made = environment_for({{"SLURM_A", "1"}, {"SLURM_B", "2"}, {"SLURMX", "3"}, {"HOME", "/h"}},
                                {"SLURM_*", "HOME"}, {{"SLURM_B", "new"}});
    EXPECT_EQ(made, (std::map<std::string, std::string>{{"SLURMX", "3"}, {"SLURM_B", "new"}}));
}

} // namespace
} // namespace railhead
