#include "launch_play.hpp"

using namespace railhead;

TEST(Launch, is_ready_when_it_can_be_attached_to) {
    auto plan = service();
    plan.attach_env = {{"RAY_ADDRESS", "${addr.0}:${head.gcs}"}};
    Play play(plan);
    play.launch.on_event(0, Event{.type = Event::Type::bound, .id = "client", .value = "20001"}, 1);
    play.milestone(0, "head", "gcs", "6379");
    play.milestone(0, "head", "up");
    EXPECT_FALSE(play.ordered("0 publish"));
    play.milestone(1, "worker", "up");
    ASSERT_TRUE(play.ordered("0 publish"));
    EXPECT_LT(std::ranges::find(play.orders, "0 publish"), std::ranges::find(play.orders, "0 start driver"));
    EXPECT_FALSE(play.ready);
    EXPECT_EQ(play.launch.missing(), (std::vector<std::string>{"agent on node1 (published)"}));
    play.launch.on_event(0, Event{.type = Event::Type::published}, 2);
    EXPECT_TRUE(play.ready);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::running);
    EXPECT_EQ(std::ranges::count(play.orders, "0 publish"), 1);
}

struct End {
    Ended ended;
    int code;
    const char* kind;
};
class LaunchPasses : public testing::TestWithParam<End> {};
TEST_P(LaunchPasses, the_drivers_end_on) {
    Play play(ranks(1));
    play.exited(0, "rank.0", GetParam().ended);
    EXPECT_EQ(play.launch.outcome().exit_code, GetParam().code);
    EXPECT_EQ(play.launch.outcome().cause.kind, GetParam().kind);
}
INSTANTIATE_TEST_SUITE_P(ends, LaunchPasses,
                         testing::Values(End{{.code = 0}, 0, "exit"}, End{{.code = 1}, 1, "exit"},
                                         End{{.code = 255}, 255, "exit"},
                                         End{{.signal = SIGKILL}, 137, "signal"},
                                         End{{.signal = SIGSEGV}, 139, "signal"},
                                         End{{.signal = SIGKILL, .oom = true}, 106, "out-of-memory"},
                                         End{{.code = 137, .oom = true}, 106, "out-of-memory"},
                                         End{{.code = 1, .oom = true}, 1, "out-of-memory"}));

TEST(Launch, a_program_that_survived_an_oom_kill_is_not_said_to_be_killed) {
    Play play(ranks(1));
    play.exited(0, "rank.0", {.code = 1, .oom = true});
    EXPECT_EQ(play.launch.outcome().cause.sentence,
              "rank 0 on node1 ended with exit code 1 after the out-of-memory killer had killed a process of "
              "this job there; ask for more memory (--mem, --mem-per-gpu) or use less");
}

TEST(Launch, a_failure_long_after_an_oom_kill_tells_of_it) {
    Play play(ranks(1));
    play.exited(0, "rank.0", {.code = 1, .oom_ago_s = 40}, {"lost a worker"});
    EXPECT_EQ(play.launch.outcome().exit_code, 1);
    EXPECT_EQ(play.launch.outcome().cause.kind, "exit");
    EXPECT_EQ(play.launch.outcome().cause.sentence,
              "rank 0 on node1 ended with exit code 1: the log says lost a worker; 40 s before, the "
              "out-of-memory killer had killed a process of this job there");
}

TEST(Launch, agents_whose_srun_is_killed_are_told_to_leave) {
    Play play(ranks(2));
    play.launch.on_step_ended(0, "", {.kind = ChildStatus::Kind::killed, .value = SIGKILL}, 1);
    EXPECT_TRUE(play.ordered("0 leave"));
    EXPECT_TRUE(play.ordered("1 leave"));
    EXPECT_EQ(play.launch.phase(), Launch::Phase::ending);
    EXPECT_EQ(play.launch.outcome().cause.sentence,
              "srun, which holds the step of the agents, was killed by SIGKILL");
}

TEST(Launch, half_an_agent_that_is_killed_is_a_lost_node) {
    Play play(ranks(2));
    Finding finding{.id = "agent-killed", .where = "node2", .thing = "the agent", .seen = "was killed"};
    play.launch.on_event(1, Event{.type = Event::Type::finding, .finding = finding}, 1);
    play.launch.on_event(1, Event{.type = Event::Type::bye}, 1.1);
    play.launch.on_tick(1.9);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::starting) << "the whole step may be gone in a moment";
    play.launch.on_tick(2.1);
    EXPECT_EQ(play.launch.outcome().exit_code, 104);
    EXPECT_EQ(play.launch.outcome().cause.node, "node2");
}

TEST(Launch, where_every_agent_is_gone_the_end_of_the_step_is_waited_for) {
    Play play(ranks(2));
    Finding finding{.id = "agent-killed", .where = "node2", .thing = "the agent", .seen = "was killed"};
    play.launch.on_event(1, Event{.type = Event::Type::finding, .finding = finding}, 1);
    play.launch.on_away(0);
    play.launch.on_tick(4);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::starting) << "srun is slow on a busy machine";
    play.launch.on_step_ended(0, "", {.kind = ChildStatus::Kind::exited, .value = 9}, 4.5);
    EXPECT_EQ(play.launch.outcome().exit_code, 109);
}

TEST(Launch, agents_that_gave_us_up_while_we_stood_still_are_no_scancel) {
    Play play(ranks(2));
    play.launch.on_step_ended(0, "node1: the supervisor was not heard for 61 s",
                              {.kind = ChildStatus::Kind::exited, .value = 104}, 90);
    EXPECT_EQ(play.launch.outcome().exit_code, 104);
    EXPECT_EQ(play.launch.outcome().cause.sentence,
              "every agent has left by itself (srun: node1: the supervisor was not heard for 61 s); see what "
              "held this node or its network up, or raise launch.loss_after");
}

TEST(Launch, half_an_agent_that_outlives_the_step_for_a_moment_is_no_lost_node) {
    Play play(ranks(2));
    Finding finding{.id = "agent-killed", .where = "node2", .thing = "the agent", .seen = "was killed"};
    play.launch.on_event(1, Event{.type = Event::Type::finding, .finding = finding}, 1);
    play.launch.on_event(1, Event{.type = Event::Type::bye}, 1.1);
    play.launch.on_step_ended(0, "", {.kind = ChildStatus::Kind::exited, .value = 9}, 1.5);
    EXPECT_EQ(play.launch.outcome().exit_code, 109);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
}

TEST(Launch, who_does_not_answer_at_the_end_is_not_waited_for_beyond_the_grace) {
    Play play(ranks(2));
    play.silent_s[1] = 100;
    play.launch.end(Outcome{}, 10);
    play.launch.on_event(0, Event{.type = Event::Type::bye}, 10.5);
    play.launch.on_tick(11.9);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::ending);
    play.launch.on_tick(12.1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
    EXPECT_TRUE(play.launch.left_silent());
    ASSERT_EQ(play.launch.findings().size(), 1u);
    EXPECT_EQ(play.launch.findings()[0].id, "agent-silent");
}

TEST(Launch, who_answers_is_given_time_to_clean_up) {
    Play play(ranks(1));
    play.launch.end(Outcome{}, 10);
    play.silent_s[0] = 1;
    play.launch.on_tick(12.1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::ending);
    play.launch.on_tick(17.1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
}

TEST(Launch, a_worker_is_released_as_soon_as_the_heads_port_is_known) {
    Play play(service());
    EXPECT_TRUE(play.ordered("0 reserve client"));
    EXPECT_FALSE(play.ordered("0 start head")) << "its port is not known yet";
    EXPECT_TRUE(play.ordered("1 start worker")) << "it may import while it waits";
    play.launch.on_event(0, Event{.type = Event::Type::bound, .id = "client", .value = "20007"}, 1);
    ASSERT_TRUE(play.ordered("0 start head"));
    EXPECT_EQ(play.sent.back().process->argv,
              (std::vector<std::string>{"ray", "--client=20007", "--tmp=${dir}"}));
    play.milestone(0, "head", "gcs", "6379");
    EXPECT_TRUE(play.ordered("1 release worker 10.0.0.1:6379"));
    EXPECT_FALSE(play.ordered("0 start driver"));
    play.milestone(0, "head", "up");
    play.milestone(1, "worker", "up");
    ASSERT_TRUE(play.ordered("0 start driver"));
    EXPECT_EQ(play.sent.back().process->env.at("RAY_ADDRESS"), "10.0.0.1:6379");
}

TEST(Launch, the_users_own_words_are_no_template) {
    Play play(service());
    play.launch.on_event(0, Event{.type = Event::Type::bound, .id = "client", .value = "1"}, 1);
    play.milestone(0, "head", "gcs", "6379");
    play.milestone(0, "head", "up");
    play.milestone(1, "worker", "up");
    EXPECT_EQ(play.sent.back().process->argv, (std::vector<std::string>{"python", "a${b}.py"}));
    EXPECT_EQ(play.sent.back().process->env.at("MINE"), "${HOME}");
}

TEST(Launch, a_service_that_dies_ends_the_launch_with_what_its_log_says) {
    Play play(service());
    play.exited(1, "worker", {.code = 1}, {"...", "no space left"});
    EXPECT_EQ(play.launch.outcome().exit_code, 102) << "during bring-up";
    EXPECT_EQ(play.launch.outcome().cause.sentence,
              "worker on node2 ended with exit code 1: the log says no space left");
    Play running(service());
    running.launch.on_event(0, Event{.type = Event::Type::bound, .id = "client", .value = "1"}, 1);
    running.milestone(0, "head", "gcs", "6379");
    running.milestone(0, "head", "up");
    running.milestone(1, "worker", "up");
    running.exited(1, "worker", {.code = 1}, {});
    EXPECT_EQ(running.launch.outcome().exit_code, 105);
}

TEST(Launch, a_program_that_fails_of_a_lost_node_is_not_the_cause) {
    Play play(ranks(2));
    play.milestone(0, "rank.0", "started");
    play.milestone(1, "rank.1", "started");
    play.launch.on_away(1);
    play.exited(0, "rank.0", {.code = 1});
    EXPECT_EQ(play.launch.phase(), Launch::Phase::running) << "the node may come back";
    play.launch.on_lost(1, "closed its connection and did not come back", 0, 5);
    EXPECT_EQ(play.launch.outcome().exit_code, 104);
    ASSERT_EQ(play.launch.victims().size(), 1);
    EXPECT_EQ(play.launch.victims().front().sentence, "rank 0 on node1 ended with exit code 1");
}

TEST(Launch, a_program_that_fails_while_a_node_is_away_is_the_cause_when_the_node_is_back) {
    Play play(ranks(2));
    play.milestone(0, "rank.0", "started");
    play.milestone(1, "rank.1", "started");
    play.launch.on_away(1);
    play.exited(0, "rank.0", {.code = 1});
    play.launch.on_tick(2.6);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::running);
    play.launch.on_back(1, 3);
    EXPECT_EQ(play.launch.outcome().exit_code, 1);
    EXPECT_TRUE(play.launch.victims().empty());
}

TEST(Launch, agents_that_were_told_to_end_say_by_which_signal) {
    Play play(ranks(1));
    play.launch.on_event(0, Event{.type = Event::Type::stopped, .value = "2"}, 1);
    EXPECT_EQ(play.launch.outcome().exit_code, 109);
    EXPECT_EQ(play.launch.outcome().cause.sentence, "cancelled: told to end by SIGINT");
}

TEST(Launch, a_bring_up_that_does_not_end_names_what_is_missing) {
    Play play(service());
    play.launch.on_event(0, Event{.type = Event::Type::bound, .id = "client", .value = "1"}, 1);
    play.milestone(0, "head", "gcs", "6379");
    play.milestone(0, "head", "up");
    play.launch.on_tick(181);
    EXPECT_TRUE(play.ordered("1 tail worker"));
    play.launch.on_event(1, Event{.type = Event::Type::log_tail, .id = "worker", .lines = {"connecting ..."}},
                         181.5);
    play.launch.on_tick(183);
    EXPECT_EQ(play.launch.outcome().exit_code, 103);
    EXPECT_NE(play.launch.outcome().cause.sentence.find("still missing worker on node2 (up)"),
              std::string::npos)
        << play.launch.outcome().cause.sentence;
    EXPECT_EQ(play.launch.outcome().cause.log_tail, (std::vector<std::string>{"connecting ..."}));
}

TEST(Launch, a_lost_node_is_named) {
    Play play(ranks(2));
    play.launch.on_lost(1, "has been silent for 60 s", 0, 70);
    EXPECT_EQ(play.launch.outcome().exit_code, 104);
    EXPECT_NE(play.launch.outcome().cause.sentence.find(
                  "node2 was lost during bring-up: its agent has been silent for 60 s"),
              std::string::npos);
    play.bye(0);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over) << "nobody waits for a lost node";
}

TEST(Launch, scancel_is_told_apart_from_the_time_limit) {
    Play cancelled(ranks(1)), limit(ranks(1));
    limit.at_limit = true;
    for (auto* play : {&cancelled, &limit}) play->launch.on_signal(SIGTERM, 5);
    EXPECT_EQ(cancelled.launch.outcome().exit_code, 109);
    EXPECT_EQ(limit.launch.outcome().exit_code, 107);
}

TEST(Launch, ctrl_c_interrupts_the_program_first_and_cancels_at_the_second_time) {
    Play play(ranks(1));
    play.milestone(0, "rank.0", "started");
    play.launch.on_signal(SIGINT, 5);
    EXPECT_TRUE(play.ordered("0 signal rank.0"));
    EXPECT_EQ(play.launch.phase(), Launch::Phase::running);
    play.launch.on_signal(SIGINT, 6);
    EXPECT_EQ(play.launch.outcome().exit_code, 109);
}

TEST(Launch, what_ends_by_ctrl_c_or_a_signal_for_it_has_not_failed_and_starts_nothing_again) {
    for (int number : {SIGINT, SIGUSR1}) {
        Play play(ranks(1));
        play.again = 1;
        play.milestone(0, "rank.0", "started");
        play.launch.on_signal(number, 5);
        play.exited(0, "rank.0", {.signal = number});
        play.launch.on_tick(6);
        EXPECT_EQ(play.launch.outcome().exit_code, 128 + number);
        EXPECT_EQ(play.launch.outcome().cause.rank, 0) << "which it is by its name";
        EXPECT_EQ(play.launch.outcome().cause.kind, "cancelled");
        EXPECT_EQ(play.launch.outcome().cause.sentence,
                  std::string(number == SIGINT ? "ended by Ctrl-C" : "ended by SIGUSR1, sent to railhead") +
                      ": rank 0 on node1 was killed by " + signal_name(number));
        EXPECT_TRUE(play.ordered("0 leave")) << "and does not stay for another start";
    }
}

TEST(Launch, ctrl_c_at_a_programs_own_terminal_is_no_failure_either) {
    for (bool terminal : {true, false}) {
        auto plan = ranks(1);
        plan.processes[0].terminal = terminal;
        Play play(plan);
        play.again = 1;
        play.milestone(0, "rank.0", "started");
        play.exited(0, "rank.0", {.signal = SIGINT});
        play.launch.on_tick(6);
        EXPECT_EQ(play.ordered("0 leave"), terminal);
        EXPECT_EQ(play.ordered("0 clear"), !terminal) << "and stays for another start";
    }
}

TEST(Launch, ctrl_c_is_the_good_end_of_a_cluster_that_is_kept) {
    auto plan = service();
    plan.processes.pop_back();
    plan.ports.clear();
    plan.processes[0].argv = {"ray"};
    plan.keep = true;
    Play play(plan);
    for (auto name : {"gcs", "up"}) play.milestone(0, "head", name, "1");
    play.milestone(1, "worker", "up");
    ASSERT_TRUE(play.ready);
    play.launch.on_signal(SIGINT, 5);
    EXPECT_EQ(play.launch.outcome().exit_code, 0);
}

TEST(Launch, an_agent_that_never_says_bye_is_not_waited_for) {
    Play play(ranks(2));
    play.exited(0, "rank.0", {.code = 1});
    play.launch.on_tick(3);
    play.bye(0);
    play.launch.on_tick(30);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
    ASSERT_EQ(play.launch.findings().size(), 1u);
    EXPECT_EQ(play.launch.findings()[0].where, "node2");
}
