#include "agent_rig.hpp"

#include "launcher/agent/logs.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class AgentConsole : public AgentRig {
  protected:
    UniqueFd reader; ///< of the agent's standard output

    static Process rank(const std::string& script) {
        auto process = shell("rank.3", script);
        process.role = Role::rank;
        process.log = "rank3.out";
        process.error_log = "rank3.err";
        process.console = "[rank3] ";
        return process;
    }
    std::string log(const std::string& name) { return text_of(dir() + "/logs/" + name); }
    /// Nobody reads it until read_all().
    void give_a_pipe() {
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        reader.reset(ends[0]);
        console.reset(ends[1]);
    }
    void read_some(std::string& text) {
        char buffer[65536];
        fcntl(reader.get(), F_SETFL, O_NONBLOCK);
        for (auto got = read(reader.get(), buffer, sizeof buffer); got > 0;
             got = read(reader.get(), buffer, sizeof buffer))
            text.append(buffer, static_cast<std::size_t>(got));
    }
};

TEST_F(AgentConsole, shows_each_line_behind_the_rank_before_its_end_is_told) {
    start_and_meet();
    run_process(rank("echo one; echo two >&2; printf three"));
    ASSERT_TRUE(await(Event::Type::exited, "rank.3"));
    EXPECT_THAT(agent_output(), HasSubstr("[rank3] one\n"));
    EXPECT_THAT(agent_output(), HasSubstr("[rank3] two\n"));
    EXPECT_THAT(agent_output(), HasSubstr("[rank3] three\n")) << "its last line has no newline";
    EXPECT_EQ(log("rank3.out"), "one\nthree");
    EXPECT_EQ(log("rank3.err"), "two\n");
}

TEST_F(AgentConsole, shows_what_a_launcher_complains_of_and_keeps_it_for_its_end) {
    start_and_meet();
    auto srun = rank("echo of a rank; echo refused >&2; exit 1");
    srun.id = "srun";
    srun.role = Role::launcher;
    srun.log = "";
    srun.error_log = "srun.err";
    srun.console = "[srun] ";
    run_process(srun);
    auto* ended = await(Event::Type::exited, "srun");
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->lines, std::vector<std::string>{"refused"});
    EXPECT_THAT(agent_output(), HasSubstr("[srun] refused\n"));
}

TEST_F(AgentConsole, shows_lines_while_the_rank_runs) {
    start_and_meet();
    run_process(rank("echo one; sleep 100"));
    EXPECT_TRUE(until([this] { return agent_output().find("[rank3] one\n") != std::string::npos; }, 5));
    EXPECT_FALSE(event(Event::Type::exited));
}

TEST_F(AgentConsole, tells_an_end_while_another_rank_writes_on) {
    start_and_meet();
    auto chatty = rank("while :; do echo more; sleep 0.02; done");
    chatty.id = "rank.4";
    chatty.log = "rank4.out";
    chatty.error_log = "rank4.err";
    run_process(chatty);
    run_process(rank("echo one; exit 3"));
    EXPECT_TRUE(until([this] { return event(Event::Type::exited, "rank.3") != nullptr; }, 3));
}

TEST_F(AgentConsole, tells_an_end_while_what_a_rank_left_behind_writes_on) {
    start_and_meet();
    run_process(rank("(while :; do echo more; sleep 0.02; done) & echo one; exit 3"));
    EXPECT_TRUE(until([this] { return event(Event::Type::exited, "rank.3") != nullptr; }, 3));
}

TEST_F(AgentConsole, shows_what_ranks_say_that_others_start_also_after_the_first_has_failed) {
    start_and_meet();
    auto ranks = shell(
        "ranks.n1", "trap '' TERM; (sleep 0.3; echo late >>${dir}/logs/rank1.out) & mkdir -p ${dir}/tasks; "
                    "echo one >>${dir}/logs/rank0.err; "
                    "printf '{\"code\":7,\"rank\":0,\"at_s\":1,\"log\":\"%s\"}' ${dir}/logs/rank0.err "
                    ">${dir}/tasks/ranks.n1.first; exit 7");
    ranks.role = Role::rank;
    ranks.rank_logs = {{"rank0", "[rank0] "}, {"rank1", "[rank1] "}, {"rank2", ""}};
    run_process(ranks);
    auto* exited = await(Event::Type::exited, "ranks.n1");
    ASSERT_TRUE(exited);
    EXPECT_THAT(agent_output(), HasSubstr("[rank0] one\n"));
    EXPECT_EQ(exited->name, "rank0.err");
    EXPECT_EQ(exited->lines, std::vector<std::string>{"one"});
    leave(1);
    EXPECT_THAT(agent_output(), HasSubstr("[rank1] late\n"));
}

TEST_F(AgentConsole, that_takes_nothing_is_said_also_of_ranks_that_outlive_the_first_failure) {
    give_a_pipe();
    start_and_meet();
    auto ranks = shell(
        "ranks.n1",
        "trap '' TERM; (while [ ! -e ${dir}/go ]; do sleep 0.02; done; seq 300000 "
        ">>${dir}/logs/rank1.out; sleep 60) & mkdir -p ${dir}/tasks; "
        "printf '{\"code\":7,\"rank\":0,\"at_s\":1,\"log\":\"\"}' >${dir}/tasks/ranks.n1.first; exit 7");
    ranks.role = Role::rank;
    ranks.rank_logs = {{"rank0", "[rank0] "}, {"rank1", "[rank1] "}};
    run_process(ranks);
    ASSERT_TRUE(await(Event::Type::exited, "ranks.n1"));
    EXPECT_FALSE(event(Event::Type::finding));
    std::ofstream(dir() + "/go") << "";
    ASSERT_TRUE(until([this] { return log("rank1.out").ends_with("\n300000\n"); }));
    EXPECT_LT(leave(2.5), 8);
    auto* lost = event(Event::Type::finding);
    ASSERT_TRUE(lost);
    EXPECT_EQ(lost->finding->id, "output-lost");
    EXPECT_TRUE(event(Event::Type::log_back, "rank1.out"));
}

TEST_F(AgentConsole, does_not_show_a_rank_that_was_not_asked_for) {
    start_and_meet();
    auto process = rank("echo one");
    process.console = "";
    run_process(process);
    ASSERT_TRUE(await(Event::Type::exited, "rank.3"));
    EXPECT_EQ(agent_output(), "");
    EXPECT_EQ(log("rank3.out"), "one\n");
}

TEST_F(AgentConsole, tells_a_failure_with_the_end_of_both_logs_and_which_to_read) {
    start_and_meet();
    run_process(rank("echo one; echo two >&2; exit 3"));
    auto* exited = await(Event::Type::exited, "rank.3");
    ASSERT_TRUE(exited);
    EXPECT_THAT(exited->lines, testing::ElementsAre("one", "two"));
    EXPECT_EQ(exited->name, "rank3.err");
    leave(0.3, 1000);
    ASSERT_TRUE(event(Event::Type::log_back, "rank3.err"));
}

TEST_F(AgentConsole, that_takes_nothing_stops_no_rank_and_its_loss_is_said_and_the_logs_are_brought) {
    give_a_pipe();
    start_and_meet();
    run_process(rank("seq 300000; exit 3"));
    auto* exited = await(Event::Type::exited, "rank.3");
    ASSERT_TRUE(exited);
    EXPECT_EQ(exited->ended->code, 3);
    auto* lost = await(Event::Type::finding, "");
    ASSERT_TRUE(lost);
    EXPECT_EQ(lost->finding->id, "output-lost");
    EXPECT_THAT(sentence(*lost->finding), HasSubstr("n1: rank 3 has ended, and nobody took the last "));
    EXPECT_THAT(log("rank3.out"), EndsWith("\n300000\n"));
    EXPECT_LT(leave(0.3), 5);
    EXPECT_TRUE(event(Event::Type::log_back, "rank3.out"));
    expect_nothing_left();
}

TEST_F(AgentConsole, has_lost_nothing_of_a_rank_whose_lines_were_taken_whatever_waits_of_others) {
    give_a_pipe();
    start_and_meet();
    run_process(rank("echo one; while [ ! -e ${dir}/go ]; do sleep 0.02; done"));
    std::string text;
    ASSERT_TRUE(until([&] {
        read_some(text);
        return text == "[rank3] one\n";
    }));
    auto other = rank("seq 300000; touch ${dir}/go; exec sleep 100");
    other.id = "rank.4";
    other.log = "rank4.out";
    other.error_log = "rank4.err";
    run_process(other);
    ASSERT_TRUE(await(Event::Type::exited, "rank.3"));
    EXPECT_FALSE(event(Event::Type::finding));
}

TEST_F(AgentConsole, that_is_read_late_gets_every_line) {
    give_a_pipe();
    start_and_meet();
    run_process(rank("seq 100000; touch ${dir}/said"));
    ASSERT_TRUE(until([this] { return std::filesystem::exists(dir() + "/said"); }))
        << "it waits for a reader";
    std::string text;
    until([&] {
        read_some(text);
        return event(Event::Type::exited) != nullptr;
    });
    read_some(text);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 100000);
    EXPECT_THAT(text, EndsWith("[rank3] 99999\n[rank3] 100000\n"));
    EXPECT_FALSE(event(Event::Type::finding));
}

TEST_F(AgentConsole, holds_up_no_end_for_long) {
    give_a_pipe();
    start_and_meet();
    run_process(rank("seq 300000; sleep 100"));
    ASSERT_TRUE(until([this] { return log("rank3.out").ends_with("300000\n"); }));
    EXPECT_LT(leave(0.3), 5);
    expect_nothing_left();
}

TEST(GrowingFile, gives_the_disk_back_what_was_read_but_for_its_end) {
    char name[] = "/tmp/growingXXXXXX";
    UniqueFd made(mkstemp(name));
    GrowingFile file(name);
    std::string megabyte(1 << 20, 'x');
    for (int i = 0; i < 12; ++i) write_all(made.get(), megabyte);
    file.skip();
    EXPECT_EQ(file.unread(), 0U);
    file.drop_given(1 << 20);
    struct stat status {};
    ASSERT_EQ(stat(name, &status), 0);
    EXPECT_EQ(status.st_size, 12 << 20);
    EXPECT_LE(status.st_blocks * 512, 2 << 20);
    EXPECT_EQ(tail_of(name, 1).size(), 1U);
    unlink(name);
}

} // namespace
} // namespace railhead
