#include "launcher/agent/proctable.hpp"

#include "base/child.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <unistd.h>

namespace railhead {
namespace {

std::string stat_line(const std::string& command) {
    return "42 (" + command +
           ") S 7 42 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1000 100 18446744073709551615\n";
}

TEST(ProcStat, reads_the_fields_that_matter) {
    EXPECT_EQ(parse_proc_stat(stat_line("python3")),
              (ProcEntry{
                  .pid = 42, .ppid = 7, .session = 41, .state = 'S', .start = 123456, .command = "python3"}));
}

TEST(ProcStat, is_not_misled_by_a_command_with_brackets_and_blanks) {
    auto entry = parse_proc_stat(stat_line("a) R 1 (b"));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->command, "a) R 1 (b");
    EXPECT_EQ(entry->ppid, 7);
    EXPECT_EQ(entry->state, 'S');
}

TEST(ProcStat, refuses_what_is_none) {
    for (auto* text :
         {"", "42", "42 (sh)", "42 (sh) S", "x (sh) S 7 42 41 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 1", ") (",
          "42 (sh) SS 7 42 41 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 1"})
        EXPECT_EQ(parse_proc_stat(text), std::nullopt) << text;
}

TEST(Descendants, are_children_and_theirs_but_not_the_root_or_strangers) {
    std::vector<ProcEntry> table{{.pid = 1, .ppid = 0},   {.pid = 30, .ppid = 20}, {.pid = 10, .ppid = 1},
                                 {.pid = 20, .ppid = 10}, {.pid = 11, .ppid = 1},  {.pid = 12, .ppid = 11}};
    std::vector<pid_t> found;
    for (auto& entry : descendants_of(10, table)) found.push_back(entry.pid);
    EXPECT_EQ(found, (std::vector<pid_t>{20, 30}));
}

TEST(Descendants, end_also_when_a_table_read_meanwhile_has_a_circle) {
    EXPECT_EQ(descendants_of(10, {{.pid = 10, .ppid = 11}, {.pid = 11, .ppid = 10}}).size(), 1U);
}

TEST(EnvironValue, finds_whole_names_only) {
    std::string block("XA=1\0A=2\0AB=3\0A=4\0", 18);
    EXPECT_EQ(environ_value(block, "A"), "2");
    EXPECT_EQ(environ_value(block, "AB"), "3");
    EXPECT_EQ(environ_value(block, "B"), std::nullopt);
    EXPECT_EQ(environ_value("A", "A"), std::nullopt);
    EXPECT_EQ(environ_value("", "A"), std::nullopt);
}

TEST(SignalProcess, spares_another_process_that_has_the_number_now) {
    auto child = Child::start({.argv = {"sleep", "60"}, .env = {}});
    ASSERT_TRUE(child);
    auto entry = read_proc(child->pid());
    ASSERT_TRUE(entry);
    auto older = *entry;
    older.start -= 1;
    EXPECT_FALSE(signal_process(older, SIGKILL));
    EXPECT_EQ(child->wait(0.05), std::nullopt);
    EXPECT_EQ(command_line_of(*entry), "sleep 60");
    EXPECT_TRUE(signal_process(*entry, SIGKILL));
    EXPECT_EQ(child->wait(5), (ChildStatus{ChildStatus::Kind::killed, SIGKILL}));
}

TEST(State, is_given_with_its_meaning) {
    EXPECT_EQ(state_words('D'), "D (waiting in the kernel)");
}

} // namespace
} // namespace railhead
