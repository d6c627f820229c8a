#include "launcher/agent/processes.hpp"

#include "agent_rig.hpp"

#include "launcher/agent/reaper.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(OomWatch, explains_one_failure_per_kill) {
    OomWatch watch;
    watch.sample(3, 0);
    EXPECT_FALSE(watch.explains_failure(0)) << "those were before";
    watch.sample(4, 10);
    EXPECT_TRUE(watch.explains_failure(11));
    EXPECT_FALSE(watch.explains_failure(11));
}

TEST(OomWatch, does_not_explain_a_failure_long_after_a_kill) {
    OomWatch watch;
    watch.sample(0, 0);
    watch.sample(1, 10);
    EXPECT_FALSE(watch.explains_failure(10 + OomWatch::explains_s + 1));
    watch.sample(2, 100);
    EXPECT_TRUE(watch.explains_failure(101));
    EXPECT_FALSE(watch.explains_failure(101)) << "the first kill is no part of it";
}

TEST(OomWatch, tells_how_long_ago_a_kill_was_that_a_process_has_survived) {
    OomWatch watch;
    watch.sample(3, 0);
    EXPECT_EQ(watch.last_ago_s(0, 5), std::nullopt);
    watch.sample(4, 10);
    EXPECT_EQ(watch.last_ago_s(5, 50), 40);
    EXPECT_EQ(watch.last_ago_s(11, 50), std::nullopt) << "it has started since";
}

class AgentProcesses : public AgentRig {
  protected:
    Ended ended_as(const std::string& id) {
        auto* exited = await(Event::Type::exited, id);
        return exited ? *exited->ended : Ended{.code = -1};
    }
    std::string log(const std::string& id) { return text_of(dir() + "/logs/" + id + ".log"); }
};

TEST_F(AgentProcesses, tell_how_they_ended) {
    start_and_meet();
    run_process(shell("a", "exit 7"));
    run_process(shell("b", "kill -SEGV $$"));
    EXPECT_EQ(ended_as("a"), Ended{.code = 7});
    EXPECT_EQ(ended_as("b"), Ended{.signal = SIGSEGV});
}

TEST_F(AgentProcesses, that_fail_bring_the_end_of_their_log) {
    start_and_meet();
    run_process(shell("a", "for i in 1 2 3; do echo line $i; done; exit 1"));
    ASSERT_TRUE(await(Event::Type::exited, "a"));
    EXPECT_THAT(event(Event::Type::exited, "a")->lines, ElementsAre("line 1", "line 2", "line 3"));
}

TEST_F(AgentProcesses, that_say_in_a_file_why_they_failed_are_quoted) {
    start_and_meet();
    auto process =
        shell("a", R"(echo noise; echo '{"message": {"message": "TimeoutError: 3 of 4"}}' >$WHY; exit 1)");
    process.reason_file = process.env["WHY"] = "${dir}/why.json";
    run_process(process);
    ASSERT_TRUE(await(Event::Type::exited, "a"));
    EXPECT_EQ(event(Event::Type::exited, "a")->lines.back(), "TimeoutError: 3 of 4");
    EXPECT_THAT(text_of(dir() + "/why.json"), HasSubstr("Timeout"));
    events.clear();
    process.argv = {"sh", "-c", "echo noise; exit 1"};
    run_process(process);
    ASSERT_TRUE(await(Event::Type::exited, "a"));
    EXPECT_THAT(event(Event::Type::exited, "a")->lines,
                testing::Not(testing::Contains(HasSubstr("Timeout"))));
}

TEST_F(AgentProcesses, that_cannot_start_say_why_and_end_as_in_a_shell) {
    start_and_meet();
    run_process({.id = "a", .role = Role::driver, .argv = {"no-such-program"}});
    EXPECT_EQ(ended_as("a"), Ended{.code = 127});
    auto* said = event(Event::Type::finding, "a");
    ASSERT_TRUE(said);
    EXPECT_EQ(sentence(*said->finding),
              "n1: a: no-such-program is not on PATH (expected in one of /usr/bin:/bin); install it "
              "there or give its path");
}

TEST_F(AgentProcesses, without_a_log_end_with_a_code_of_our_own) {
    start_and_meet();
    std::filesystem::create_directories(dir() + "/logs/a.log");
    run_process(shell("a", "true"));
    EXPECT_EQ(ended_as("a"), Ended{.code = 102});
    EXPECT_THAT(sentence(*event(Event::Type::finding, "a")->finding), HasSubstr("a.log: Is a directory"));
}

TEST_F(AgentProcesses, have_the_environment_that_the_plan_says) {
    start_and_meet();
    auto process = shell("a", "env");
    process.unset = {"SLURM_*"};
    process.env = {{"WHERE", "${dir}/x"}};
    run_process(process);
    ended_as("a");
    EXPECT_THAT(log("a"),
                testing::AllOf(HasSubstr("WHERE=" + dir() + "/x\n"), HasSubstr("SLURMD_NODENAME=n1\n"),
                               HasSubstr("RAILHEAD_LAUNCH=" + mark() + "\n"),
                               HasSubstr("RAILHEAD_PROCESS=a\n"), testing::Not(HasSubstr("SLURM_JOB_ID"))));
}

TEST_F(AgentProcesses, find_their_secrets_in_files_that_only_they_can_read) {
    start_and_meet();
    Process process{.id = "a",
                    .role = Role::service,
                    .argv = {"sh", "-c", "stat -c %a ${file.token}; cat ${file.token}"},
                    .secret_files = {{"token", "s3cret\n"}},
                    .log = "a.log"};
    run_process(process);
    ended_as("a");
    EXPECT_EQ(log("a"), "600\ns3cret\n");
}

TEST_F(AgentProcesses, wait_for_their_line) {
    start_and_meet();
    auto process = shell("a", "read line; echo got $line; read more || echo end");
    process.release = Release{.when = {"x.y"}, .line = ""};
    run_process(process);
    ASSERT_GT(pid_of("a"), 0);
    EXPECT_EQ(log("a"), "");
    send({.type = Order::Type::release, .id = "a", .line = "10.0.0.1:6379 ${dir}"});
    ended_as("a");
    EXPECT_EQ(log("a"), "got 10.0.0.1:6379 " + dir() + "\nend\n");
}

TEST_F(AgentProcesses, read_nothing_from_the_agents_own_input) {
    start_and_meet();
    run_process(shell("a", "cat; echo end"));
    ended_as("a");
    EXPECT_EQ(log("a"), "end\n");
}

TEST_F(AgentProcesses, without_a_log_write_to_the_agents_own_output) {
    start_and_meet();
    run_process({.id = "driver", .role = Role::driver, .argv = {"sh", "-c", "echo hello; echo oops >&2"}});
    ended_as("driver");
    EXPECT_THAT(agent_output(), testing::AllOf(HasSubstr("hello\n"), HasSubstr("oops\n")));
}

TEST_F(AgentProcesses, of_the_user_start_only_where_railhead_was_started) {
    auto to = invitation();
    to.cwd = base + "/nowhere";
    start_agent(to);
    ASSERT_TRUE(until([this] { return hello.has_value(); }));
    auto service = shell("service", "pwd");
    service.role = Role::service;
    run_process(service);
    EXPECT_EQ(ended_as("service"), Ended{.code = 0});
    EXPECT_EQ(log("service"), dir() + "\n");
    auto driver = shell("driver", "pwd");
    driver.role = Role::driver;
    run_process(driver);
    EXPECT_EQ(ended_as("driver"), Ended{.code = 102});
    EXPECT_THAT(
        sentence(*event(Event::Type::finding, "driver")->finding),
        HasSubstr("nowhere failed: No such file or directory; give a directory that exists on every node"));
}

TEST_F(AgentProcesses, hold_no_descriptor_of_the_agent) {
    start_and_meet();
    run_process(shell("a", "ls /proc/self/fd | tr '\\n' ' '"));
    ended_as("a");
    EXPECT_EQ(log("a"), "0 1 2 3 ") << "3 is ls reading the folder";
}

TEST_F(AgentProcesses, get_signals_in_their_whole_group) {
    start_and_meet();
    run_process(shell("a", "trap 'echo outer' USR1; sh -c 'trap \"echo inner; exit 0\" USR1; echo up; "
                           "while :; do sleep 0.05; done' & wait; wait; exit 5"));
    EXPECT_TRUE(until([&] { return log("a") == "up\n"; }));
    send({.type = Order::Type::signal, .id = "a", .number = SIGUSR1});
    EXPECT_EQ(ended_as("a"), Ended{.code = 5});
    EXPECT_THAT(log("a"), testing::AllOf(HasSubstr("inner\n"), HasSubstr("outer\n")));
}

TEST_F(AgentProcesses, that_are_cleared_go_with_their_whole_tree_and_files_and_can_start_again) {
    start_and_meet();
    run_process(
        shell("a", "setsid sh -c 'trap \"\" TERM; echo $$ > daemon; while :; do sleep 1; done' & wait"));
    auto process = shell("b", "echo first; echo x > ${WHERE}/made; exit 3");
    process.env = {{"WHERE", "${dir}"}};
    run_process(process);
    auto daemon = pid_in(base + "/daemon");
    ended_as("b");
    send({.type = Order::Type::clear, .number = 1000, .seconds = 0.3});
    ASSERT_TRUE(await(Event::Type::cleared, ""));
    EXPECT_EQ(ended_as("a"), Ended{.signal = SIGTERM});
    EXPECT_FALSE(runs(daemon)) << "it left session and group, and ignores SIGTERM";
    auto* log_back = await(Event::Type::log_back, "b.log");
    ASSERT_TRUE(log_back);
    EXPECT_EQ(log_back->value, "first\n");
    EXPECT_FALSE(std::filesystem::exists(dir() + "/made"));
    EXPECT_TRUE(std::filesystem::exists(dir()));
    run_process(shell("c", "echo second"));
    EXPECT_EQ(ended_as("c"), Ended{.code = 0});
    EXPECT_EQ(log("c"), "second\n");
}

TEST_F(AgentProcesses, answer_for_the_end_of_their_logs) {
    start_and_meet();
    run_process(shell("a", "seq 100"));
    ended_as("a");
    send({.type = Order::Type::tail, .id = "a", .number = 3});
    auto* tail = await(Event::Type::log_tail, "a");
    ASSERT_TRUE(tail);
    EXPECT_THAT(tail->lines, ElementsAre("98", "99", "100"));
}

TEST_F(AgentProcesses, leave_their_logs_with_the_supervisor_when_asked) {
    start_and_meet();
    run_process(shell("a", "seq 20000; mkdir -p ${dir}/ray/logs; echo x > ${dir}/ray/logs/gcs.out"));
    auto process = shell("b", "mkdir -p ${WHERE}/ray/logs; echo x > ${WHERE}/ray/logs/gcs.out");
    process.env = {{"WHERE", "${dir}"}};
    run_process(process);
    ended_as("a");
    ended_as("b");
    leave(0.3, 50000);
    std::string text;
    for (auto& event : events)
        if (event.type == Event::Type::log_back && event.id == "a.log") text += event.value;
    EXPECT_GT(text.size(), 49000U);
    EXPECT_LE(text.size(), 50000U);
    EXPECT_THAT(text, testing::EndsWith("\n19999\n20000\n"));
    ASSERT_TRUE(event(Event::Type::log_back, "ray_logs_gcs.out"));
    EXPECT_EQ(event(Event::Type::log_back, "ray_logs_gcs.out")->value, "x\n");
}

TEST_F(AgentProcesses, leave_the_logs_of_what_failed_first_before_the_others) {
    start_and_meet();
    for (const auto* id : {"a", "d", "c", "b"}) {
        run_process(shell(id, std::string("echo x; exit ") + (*id == 'a' ? "0" : "3")));
        ended_as(id);
    }
    leave(0.3, 1000);
    std::string order;
    for (auto& event : events)
        if (event.type == Event::Type::log_back) order += event.id + " ";
    EXPECT_EQ(order, "d.log c.log b.log a.log ");
}

TEST_F(AgentProcesses, that_are_not_known_are_named) {
    start_and_meet();
    send({.type = Order::Type::signal, .id = "ghost", .number = SIGTERM});
    auto* said = await(Event::Type::finding, "ghost");
    ASSERT_TRUE(said);
    EXPECT_EQ(sentence(*said->finding),
              "n1: the order to signal ghost names no process that was started here");
    EXPECT_EQ(said->finding->level, Level::warn);
}

TEST_F(AgentProcesses, find_reserved_ports_free) {
    start_and_meet();
    send({.type = Order::Type::reserve, .id = "gcs", .text = "27400-27499"});
    auto* bound = await(Event::Type::bound, "gcs");
    ASSERT_TRUE(bound);
    auto port = std::stoi(bound->value);
    EXPECT_GE(port, 27400);
    EXPECT_LE(port, 27499);
    send({.type = Order::Type::reserve, .id = "none", .text = "7"});
    auto* said = await(Event::Type::finding, "none");
    ASSERT_TRUE(said);
    EXPECT_THAT(sentence(*said->finding), testing::StartsWith("n1: the port range is \"7\""));
}

TEST_F(AgentProcesses, can_be_attached_to_by_what_was_published) {
    start_and_meet();
    send({.type = Order::Type::publish, .text = "{\"token\":\"${dir}/token\"}"});
    ASSERT_TRUE(await(Event::Type::published, ""));
    EXPECT_EQ(text_of(dir() + "/attach.json"), "{\"token\":\"" + dir() + "/token\"}");
    EXPECT_EQ(std::filesystem::status(dir() + "/attach.json").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

class AgentTerminal : public AgentProcesses {
  protected:
    std::string screen;
    bool is_read = true;
    std::optional<TerminalSide> side;
    void SetUp() override {
        on_terminal = [this](TerminalSide given) {
            side = given;
            return TerminalOutput{.take = [this](std::string_view bytes) { screen += bytes; },
                                  .is_full = [this] { return !is_read; }};
        };
        AgentProcesses::SetUp();
    }
    Process at_terminal(const std::string& script) {
        return {.id = "driver", .role = Role::driver, .argv = {"sh", "-c", script}, .terminal = true};
    }
};

TEST_F(AgentTerminal, talks_both_ways) {
    start_and_meet();
    run_process(at_terminal("tty >/dev/null && echo is a terminal; read name; echo hello $name"));
    EXPECT_TRUE(until([&] { return screen.find("is a terminal") != std::string::npos; }));
    ASSERT_TRUE(side);
    side->write("Ada\n");
    EXPECT_EQ(ended_as("driver"), Ended{.code = 0});
    EXPECT_TRUE(until([&] { return screen.find("hello Ada") != std::string::npos; }, 3)) << screen;
}

TEST_F(AgentTerminal, keeps_its_program_waiting_while_nobody_reads) {
    constexpr std::size_t size = 16'000'000; // more than the kernel keeps for a connection
    start_and_meet();
    run_process(at_terminal("stty raw; echo up; read go; head -c 16000000 /dev/zero; echo end"));
    EXPECT_TRUE(until([&] { return screen.find("up") != std::string::npos; }));
    is_read = false;
    side->write("\n");
    EXPECT_FALSE(until([&] { return event(Event::Type::exited, "driver"); }, 2));
    EXPECT_LT(screen.size(), size);
    is_read = true;
    EXPECT_TRUE(until([&] { return screen.ends_with("end\n"); }, 60));
    EXPECT_GT(screen.size(), size) << "and nothing is lost";
    EXPECT_EQ(ended_as("driver"), Ended{.code = 0});
}

TEST_F(AgentTerminal, turns_ctrl_c_into_an_interrupt) {
    start_and_meet();
    run_process(at_terminal("echo up; exec sleep 60"));
    EXPECT_TRUE(until([&] { return screen.find("up") != std::string::npos; }));
    ASSERT_TRUE(side);
    side->write("\x03");
    EXPECT_EQ(ended_as("driver"), Ended{.signal = SIGINT});
}

TEST_F(AgentTerminal, has_the_size_that_it_is_told) {
    start_and_meet();
    send({.type = Order::Type::start,
          .id = "driver",
          .process = at_terminal("stty size; echo up; read x; stty size"),
          .number = 24 << 16 | 80});
    EXPECT_TRUE(until([&] { return screen.find("up") != std::string::npos; }));
    send({.type = Order::Type::window, .id = "driver", .number = 33 << 16 | 101});
    run_process(shell("later", "true")); // orders are carried out in turn
    ended_as("later");
    side->write("\n");
    EXPECT_NE(screen.find("24 80"), std::string::npos) << screen;
    EXPECT_TRUE(until([&] { return screen.find("33 101") != std::string::npos; }, 3)) << screen;
}

TEST_F(AgentTerminal, shows_the_last_words_of_a_program_that_ends_at_once) {
    start_and_meet();
    run_process(at_terminal("seq 5000; echo last words"));
    ended_as("driver");
    leave(0.3);
    EXPECT_TRUE(until([&] { return screen.find("last words") != std::string::npos; }, 2)) << screen.size();
}

TEST_F(AgentTerminal, makes_a_program_wait_rather_than_lose_what_it_prints) {
    start_and_meet();
    run_process(at_terminal("stty -opost; head -c 6000000 /dev/zero | tr '\\0' x; echo; echo last words"));
    EXPECT_TRUE(until([&] { return screen.size() > 1000000; }));
    usleep(500'000); // nobody reads meanwhile
    EXPECT_TRUE(until([&] { return screen.size() > 6000000; }, 20)) << screen.size();
    EXPECT_TRUE(until([&] { return screen.ends_with("last words\n"); }, 5));
    EXPECT_GT(screen.size(), 6000000U);
}

} // namespace
} // namespace railhead
