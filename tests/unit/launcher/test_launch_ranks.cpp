// Launches of ranks: which failure is the headline.
#include "launch_play.hpp"

using namespace railhead;

TEST(Launch, every_rank_ended_well_is_a_good_end) {
    Play play(ranks(2));
    EXPECT_TRUE(play.ordered("0 start rank.0"));
    play.milestone(0, "rank.0", "started");
    EXPECT_FALSE(play.ready);
    play.milestone(1, "rank.1", "started");
    EXPECT_TRUE(play.ready);
    play.exited(0, "rank.0", {.code = 0});
    EXPECT_EQ(play.launch.phase(), Launch::Phase::running);
    play.exited(1, "rank.1", {.code = 0});
    EXPECT_EQ(play.launch.phase(), Launch::Phase::ending);
    play.bye(0);
    play.bye(1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
    EXPECT_EQ(play.launch.outcome().exit_code, 0);
}

TEST(Launch, the_rank_that_failed_first_is_the_headline_though_another_one_is_heard_of_sooner) {
    Play play(ranks(3));
    play.exited(1, "rank.1", {.code = 1, .rank = 9}, {"RuntimeError: Connection closed by peer"}, 1000.3);
    play.exited(2, "rank.2", {.code = 3, .rank = 20}, {"ValueError: a bad batch"}, 1000.1);
    play.launch.on_tick(2.6);
    EXPECT_EQ(play.launch.outcome().exit_code, 3);
    EXPECT_EQ(play.launch.outcome().cause.rank, 20);
    EXPECT_EQ(play.launch.outcome().cause.sentence,
              "rank 20 on node3 ended with exit code 3: the log says ValueError: a bad batch");
    EXPECT_EQ(play.launch.outcome().cause.log_tail, std::vector<std::string>{"ValueError: a bad batch"});
    ASSERT_EQ(play.launch.victims().size(), 1u);
    EXPECT_EQ(play.launch.victims()[0].rank, 9);
}

TEST(Launch, the_first_failing_rank_is_the_headline_and_the_others_are_victims) {
    Play play(ranks(3));
    play.exited(1, "rank.1", {.code = 7});
    EXPECT_FALSE(play.ordered("0 leave")) << "another one may have failed before it";
    play.launch.on_tick(2.6);
    EXPECT_TRUE(play.ordered("0 leave"));
    play.exited(0, "rank.0", {.signal = SIGTERM});
    for (int node : {0, 1, 2}) play.bye(node);
    EXPECT_EQ(play.launch.outcome().exit_code, 7);
    EXPECT_EQ(play.launch.outcome().cause.sentence, "rank 1 on node2 ended with exit code 7");
    ASSERT_EQ(play.launch.victims().size(), 1u);
    EXPECT_EQ(play.launch.victims()[0].sentence, "rank 0 on node1 was killed by SIGTERM");
}

TEST(Launch, nothing_starts_where_nothing_can_be_written) {
    const Event full{.type = Event::Type::finding,
                     .finding = Finding{.id = std::string(no_room),
                                        .level = Level::warn,
                                        .where = "node1",
                                        .thing = "the file system of /tmp/rh",
                                        .seen = "is full"}};
    Play starting(ranks(1));
    starting.launch.on_event(0, full, 1);
    EXPECT_EQ(starting.launch.outcome().exit_code, 102);
    EXPECT_EQ(starting.launch.outcome().cause.sentence, "node1: the file system of /tmp/rh is full");
    Play running(ranks(1));
    running.milestone(0, "rank.0", "started");
    running.launch.on_event(0, full, 1);
    EXPECT_EQ(running.launch.phase(), Launch::Phase::running) << "the program may need no room";
    EXPECT_EQ(running.said.size(), 1U);
}

TEST(Launch, a_rank_that_did_not_start_is_no_victim_of_itself) {
    Play play(ranks(2));
    play.launch.on_event(0,
                         Event{.type = Event::Type::finding,
                               .id = "rank.0",
                               .finding = Finding{.id = "exec-failed", .where = "node1", .seen = "failed"}},
                         1);
    play.exited(0, "rank.0", {.code = 127});
    play.exited(1, "rank.1", {.signal = SIGTERM});
    EXPECT_EQ(play.launch.outcome().exit_code, 102);
    ASSERT_EQ(play.launch.victims().size(), 1u);
    EXPECT_EQ(play.launch.victims()[0].sentence, "rank 1 on node2 was killed by SIGTERM");
}

TEST(Launch, a_failure_of_nccl_has_a_code_of_its_own) {
    Play play(ranks(1));
    play.exited(0, "rank.0", {.signal = SIGABRT},
                {"terminate called", "ncclRemoteError: A call failed possibly due to a network error."});
    EXPECT_EQ(play.launch.outcome().exit_code, 114);
    EXPECT_EQ(play.launch.outcome().cause.kind, "nccl-failed");
    EXPECT_EQ(
        play.launch.outcome().cause.sentence,
        "rank 0 on node1 was killed by SIGABRT: ncclRemoteError: A call failed possibly due to a network "
        "error.");
}

TEST(Launch, what_starts_the_ranks_is_the_headline_only_if_none_of_them_failed) {
    auto plan = ranks(2);
    plan.processes.push_back({.id = "srun", .node = 0, .role = Role::launcher, .argv = {"srun"}});
    Play good(plan);
    good.exited(0, "srun", {.code = 0});
    EXPECT_NE(good.launch.phase(), Launch::Phase::ending);
    good.launch.on_tick(4);
    EXPECT_NE(good.launch.phase(), Launch::Phase::ending) << "ranks may be about to say that they run";
    good.launch.on_tick(8);
    ASSERT_EQ(good.launch.phase(), Launch::Phase::ending);
    EXPECT_EQ(good.launch.outcome().exit_code, 102);
    EXPECT_THAT(
        good.launch.outcome().cause.sentence,
        testing::StartsWith(
            "srun ended with exit code 0 and has not started all ranks: still missing rank 0 on node1"));
    Play play(plan);
    play.exited(0, "srun", {.code = 1}, {}, 1000.1);
    play.exited(1, "rank.1", {.code = 3}, {}, 1000.2);
    play.launch.on_tick(2.6);
    EXPECT_EQ(play.launch.outcome().cause.sentence, "rank 1 on node2 ended with exit code 3");
    EXPECT_TRUE(play.launch.victims().empty());
    Play killed(plan);
    killed.exited(0, "srun", {.signal = SIGKILL}, {}, 1000.1);
    killed.exited(1, "rank.1", {.code = 14}, {}, 1000.2);
    killed.launch.on_tick(2.6);
    EXPECT_EQ(killed.launch.outcome().cause.sentence, "srun on node1 was killed by SIGKILL");
    Play alone(plan);
    alone.exited(0, "srun", {.code = 1});
    alone.launch.on_tick(2.6);
    EXPECT_EQ(alone.launch.outcome().cause.sentence, "srun on node1 ended with exit code 1");
    EXPECT_EQ(alone.launch.outcome().exit_code, 102) << "nothing was up yet";
}

TEST(Launch, ranks_that_slurm_kills_with_their_step_are_victims_of_the_one_that_failed) {
    auto plan = ranks(3);
    plan.processes.push_back({.id = "srun", .node = 0, .role = Role::launcher, .argv = {"srun"}});
    const Ended killed{.signal = SIGKILL, .rank = 0, .with_step = true};
    Play told(plan);
    told.exited(0, "rank.0", killed, {}, 1000.1);
    told.exited(2, "rank.2", {.code = 5, .rank = 2}, {}, 1000.2);
    told.exited(1, "rank.1", killed, {}, 1000.0);
    EXPECT_EQ(told.launch.outcome().cause.sentence, "rank 2 on node3 ended with exit code 5");
    Play untold(plan);
    for (int node : {0, 1, 2}) untold.exited(node, fmt::format("rank.{}", node), killed, {}, 1000.1);
    untold.launch.on_tick(2.6);
    EXPECT_NE(untold.launch.phase(), Launch::Phase::ending) << "srun may know more";
    untold.exited(0, "srun", {.code = 5}, {}, 1000.3);
    EXPECT_EQ(untold.launch.outcome().exit_code, 5);
    EXPECT_EQ(untold.launch.outcome().cause.sentence,
              "a rank called MPI_Abort or left before the others, and all ranks were killed: srun "
              "ended with exit code 5");
    EXPECT_EQ(untold.launch.victims().size(), 3u);
    Play scancel(plan);
    for (int node : {0, 1, 2}) scancel.exited(node, fmt::format("rank.{}", node), killed, {}, 1000.1);
    scancel.exited(0, "srun", {.code = 137}, {}, 1000.3);
    EXPECT_EQ(scancel.launch.outcome().exit_code, 137);
    EXPECT_THAT(scancel.launch.outcome().cause.sentence, testing::EndsWith("scancel of the step"));
    Play told_so(plan);
    for (int node : {0, 1, 2}) told_so.exited(node, fmt::format("rank.{}", node), killed, {}, 1000.1);
    const std::string line =
        "slurmstepd-node1: error: *** STEP 17.1 ON node1 CANCELLED AT 2026-11-28T02:33:29 ";
    told_so.exited(0, "srun", {.code = 137}, {line + "***", "srun: error: node1: task 0: Killed"}, 1000.3);
    EXPECT_EQ(told_so.launch.outcome().exit_code, 109);
    EXPECT_EQ(told_so.launch.outcome().cause.sentence,
              "the step of the ranks was cancelled, as scancel of that step does");
    EXPECT_EQ(told_so.launch.victims().size(), 3u);
    Play not_launched(plan);
    not_launched.exited(0, "rank.0", killed, {}, 1000.1);
    not_launched.exited(
        0, "srun", {.code = 137},
        {"srun: error: Task launch for StepId=3.1 failed on node node2: Unspecified error", line + "***"},
        1000.3);
    not_launched.launch.on_tick(10);
    ASSERT_EQ(not_launched.launch.phase(), Launch::Phase::ending);
    EXPECT_EQ(not_launched.launch.outcome().cause.process, "srun");
    Play node_lost(plan);
    for (int place : {0, 1, 2}) node_lost.exited(place, fmt::format("rank.{}", place), killed, {}, 1000.1);
    node_lost.exited(0, "srun", {.code = 137},
                     {line + "DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***"}, 1000.3);
    EXPECT_EQ(node_lost.launch.outcome().exit_code, 137);
    Play hangs(plan);
    for (int node : {0, 1, 2}) hangs.exited(node, fmt::format("rank.{}", node), killed, {}, 1000.1);
    hangs.launch.on_tick(10);
    EXPECT_EQ(hangs.launch.outcome().exit_code, 137);
}

TEST(Launch, what_mpirun_says_of_a_rank_that_left_it_is_the_headline_and_those_that_it_killed_are_victims) {
    auto plan = ranks(2);
    plan.processes.push_back({.id = "mpirun", .node = 0, .role = Role::launcher, .argv = {"mpirun"}});
    const std::vector<std::string> said{
        "mpirun has exited due to process rank 1 with PID 0 on",
        "node node1 exiting improperly. There are three reasons this could occur:"};
    const Ended killed{.signal = SIGTERM, .rank = 0};
    Play left(plan);
    left.exited(0, "rank.0", killed, {}, 1000.1);
    left.exited(1, "rank.1", {.code = 0}, {}, 1000.1);
    EXPECT_NE(left.launch.phase(), Launch::Phase::ending) << "mpirun may know more";
    left.exited(0, "mpirun", {.code = 1}, said, 1000.3);
    EXPECT_EQ(left.launch.outcome().exit_code, 1);
    EXPECT_EQ(left.launch.outcome().cause.rank, 1);
    EXPECT_EQ(left.launch.outcome().cause.node, "node1");
    EXPECT_EQ(
        left.launch.outcome().cause.sentence,
        "rank 1 on node1 ended with exit code 0 before it called MPI_Finalize, and mpirun killed the others");
    ASSERT_EQ(left.launch.victims().size(), 1u);
    EXPECT_EQ(left.launch.victims()[0].rank, 0);
    Play slowly(plan);
    slowly.exited(0, "rank.0", killed, {}, 1000.1);
    slowly.launch.on_tick(2.6);
    EXPECT_NE(slowly.launch.phase(), Launch::Phase::ending) << "mpirun is about to end rank 1, too";
    slowly.launch.on_tick(4.6);
    EXPECT_EQ(slowly.launch.outcome().exit_code, 143);
    Play agent_gone(plan); // its ranks go with it
    agent_gone.launch.on_away(1);
    agent_gone.exited(0, "rank.0", killed, {}, 1000.1);
    agent_gone.exited(0, "mpirun", {.code = 1}, said, 1000.3);
    agent_gone.launch.on_lost(1, "closed its connection", 0, 3);
    EXPECT_EQ(agent_gone.launch.outcome().exit_code, 104);
    for (const auto& victim : agent_gone.launch.victims())
        EXPECT_EQ(victim.sentence.find("MPI_Finalize"), std::string::npos) << victim.sentence;
    Play with_task(plan);
    with_task.exited(0, "rank.0", {.signal = SIGKILL, .rank = 0, .with_step = true}, {}, 1000.1);
    with_task.launch.on_tick(2.6);
    EXPECT_NE(with_task.launch.phase(), Launch::Phase::ending) << "mpirun kills the rank's task, too";
    Play failed(plan);
    failed.exited(0, "rank.0", {.code = 3, .rank = 0}, {}, 1000.1);
    failed.exited(0, "mpirun", {.code = 1}, said, 1000.3);
    failed.exited(1, "rank.1", killed, {}, 1000.1);
    EXPECT_EQ(failed.launch.outcome().exit_code, 3);
    Play by_hand(plan);
    by_hand.exited(0, "rank.0", killed, {}, 1000.1);
    by_hand.exited(1, "rank.1", {.code = 0}, {}, 1000.1);
    by_hand.exited(0, "mpirun", {.code = 143}, {}, 1000.3);
    EXPECT_EQ(by_hand.launch.outcome().cause.sentence, "rank 0 on node1 was killed by SIGTERM");
}

TEST(Launch, an_mpirun_that_starts_no_rank_is_the_cause_and_not_its_daemon_or_a_rank) {
    auto plan = ranks(2);
    plan.processes.push_back({.id = "mpirun", .node = 0, .role = Role::launcher, .argv = {"mpirun"}});
    plan.processes.push_back({.id = "mpirun.node2", .node = 1, .role = Role::launcher, .argv = {"sh"}});
    Play play(plan);
    play.exited(1, "mpirun.node2", {.code = 1}, {}, 1000.1);
    play.exited(0, "mpirun", {.code = 213}, {}, 1000.2);
    play.launch.on_tick(2.6);
    EXPECT_EQ(play.launch.outcome().cause.sentence, "mpirun on node1 ended with exit code 213");
    EXPECT_EQ(play.launch.outcome().exit_code, 102);
    EXPECT_TRUE(play.launch.victims().empty());
}

namespace {

/// Two ranks of which the first binds a port that both are told.
Plan meeting() {
    auto plan = ranks(2);
    plan.port_range = "20000-20009";
    plan.ports = {{"meet", 0, "rank.0"}};
    for (auto& process : plan.processes) process.argv = {"torchrun", "${port.meet}"};
    plan.processes[1].start_when = {"rank.0.started"};
    return plan;
}

const std::vector<std::string> in_use{"DistNetworkError: port: 20001, code: -98, name: EADDRINUSE"};

void bind_and_start(Play& play, const std::string& port) {
    play.orders.clear();
    play.launch.on_event(0, Event{.type = Event::Type::bound, .id = "meet", .value = port}, 1);
    EXPECT_TRUE(play.ordered("0 start rank.0"));
    EXPECT_EQ(play.sent.back().process->argv.back(), port);
    EXPECT_FALSE(play.ordered("1 start rank.1"));
    play.milestone(0, "rank.0", "started");
    EXPECT_TRUE(play.ordered("1 start rank.1"));
    EXPECT_EQ(play.sent.back().process->argv.back(), port);
    play.milestone(1, "rank.1", "started");
}

} // namespace

TEST(LaunchAgain, stops_all_at_once_when_a_program_was_faster_at_a_port) {
    Play play(meeting());
    play.again = 0;
    EXPECT_TRUE(play.ordered("0 reserve meet rank.0"));
    bind_and_start(play, "20001");
    EXPECT_TRUE(play.ready);
    play.exited(0, "rank.0", {.code = 1}, in_use);
    EXPECT_TRUE(play.ordered("1 clear"));
    EXPECT_EQ(play.asked.at(0).port_taken,
              "port 20001 of node1 was taken by another program before rank 0 had it");
}

TEST(LaunchAgain, is_for_the_ports_owner_alone_and_not_for_a_rank_of_the_users) {
    for (auto who : {0, 1}) {
        Play play(meeting());
        bind_and_start(play, "20001");
        Ended ended{.code = 1};
        if (who == 0) ended.rank = 5;
        play.exited(who, "rank." + std::to_string(who), ended, in_use);
        play.launch.on_tick(2.6);
        EXPECT_TRUE(play.asked.at(0).port_taken.empty());
        EXPECT_EQ(play.launch.outcome().cause.process, "rank." + std::to_string(who));
    }
}

TEST(LaunchAgain, is_over_when_every_node_is_cleared_and_the_pause_has_passed) {
    Play play(ranks(2));
    play.again = 4;
    play.exited(0, "rank.0", {.code = 1});
    play.exited(1, "rank.1", {.code = 1});
    EXPECT_TRUE(play.launch.starts_again());
    EXPECT_TRUE(play.ordered("0 clear"));
    play.cleared(0);
    play.launch.on_tick(7);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::ending) << "node2 is not cleared";
    play.cleared(1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::ending) << "4 s have not passed";
    play.launch.on_tick(6.1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
    EXPECT_TRUE(play.launch.starts_again());
}

TEST(LaunchAgain, goes_on_without_a_node_that_was_lost_or_does_not_answer) {
    Play play(ranks(3));
    play.again = 0;
    play.launch.on_lost(0, "was silent for 60 s", 0, 2);
    EXPECT_FALSE(play.ordered("0 clear"));
    play.silent_s[2] = 100;
    play.cleared(1);
    play.launch.on_tick(2 + 2 + 5 + 0.1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
    EXPECT_TRUE(play.launch.starts_again());
    EXPECT_EQ(play.launch.present(), std::set<int>{1});
}

TEST(LaunchAgain, a_signal_ends_it_for_good) {
    Play play(ranks(2));
    play.again = 10;
    play.exited(0, "rank.0", {.code = 1});
    play.exited(1, "rank.1", {.code = 1});
    play.launch.on_signal(SIGTERM, 3);
    EXPECT_FALSE(play.launch.starts_again());
    EXPECT_TRUE(play.ordered("0 leave"));
    play.bye(0);
    play.bye(1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
    EXPECT_EQ(play.launch.outcome().exit_code, 109);
    EXPECT_EQ(play.launch.victims().at(0).sentence, "rank 0 on node1 ended with exit code 1");
}

TEST(LaunchAgain, nothing_starts_beside_what_cannot_be_killed) {
    Play play(ranks(1));
    play.again = 0;
    play.exited(0, "rank.0", {.code = 1});
    play.launch.on_event(0, Event{.type = Event::Type::survivor, .finding = Finding{.id = "survivor"}}, 3);
    EXPECT_FALSE(play.launch.starts_again());
    EXPECT_TRUE(play.ordered("0 leave"));
    play.bye(0);
    EXPECT_EQ(play.launch.outcome().cause.sentence, "rank 0 on node1 ended with exit code 1");
}

TEST(LaunchAgain, the_end_of_the_step_ends_it_for_good) {
    Play play(ranks(1));
    play.again = 10;
    play.exited(0, "rank.0", {.code = 1});
    play.cleared(0);
    play.launch.on_step_ended(0, "", {.kind = ChildStatus::Kind::exited, .value = 1}, 3);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
    EXPECT_FALSE(play.launch.starts_again());
}
