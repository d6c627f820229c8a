#include "base/clock.hpp"
#include "launcher/supervisor/launch.hpp"
#include "launcher/supervisor/time_limit.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace railhead {
namespace {

/// Against a scontrol of the test's own.
class TimeLimitTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/limitXXXXXX";
        base = mkdtemp(name);
        environment = Environment({{"PATH", base + ":/usr/bin:/bin"}});
        allocation.job_id = "7";
    }
    void TearDown() override { std::filesystem::remove_all(base); }
    TimeLimit& with_end_in(double seconds) {
        allocation.end_time = static_cast<std::int64_t>(wall_s() + seconds);
        return limit.emplace(io, environment, allocation, [this] { ++words; });
    }
    void scontrol(const std::string& script) {
        auto path = base + "/scontrol";
        std::ofstream(path) << "#!/bin/sh\necho asked >>" << base << "/asked\n" << script << "\n";
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    void says(const std::string& words) { scontrol("echo JobId=6 JobState=TIMEOUT\necho JobId=7 " + words); }
    bool asked() const { return std::filesystem::exists(base + "/asked"); }
    bool answered(double within_s = 5) {
        for (auto deadline = Deadline::in(within_s); limit->asking() && !deadline.passed();) {
            io.run_one_for(std::chrono::milliseconds(10));
            io.restart();
        }
        return !limit->asking();
    }

    std::string base;
    Environment environment;
    Allocation allocation;
    asio::io_context io;
    std::optional<TimeLimit> limit;
    int words = 0;
};

TEST_F(TimeLimitTest, is_not_reached_when_it_was_extended) {
    says("JobState=COMPLETING Reason=None RunTime=00:01:27 TimeLimit=00:10:00");
    auto& extended = with_end_in(-20);
    EXPECT_TRUE(extended.reached()) << "as far as is known";
    extended.ask();
    ASSERT_TRUE(answered());
    EXPECT_FALSE(extended.reached());
    EXPECT_EQ(words, 1);
}

TEST_F(TimeLimitTest, is_reached_when_it_was_shortened) {
    says("JobState=COMPLETING Reason=TimeLimit RunTime=00:01:17 TimeLimit=00:01:00");
    auto& shortened = with_end_in(520);
    shortened.ask();
    ASSERT_TRUE(answered());
    EXPECT_TRUE(shortened.reached());
}

TEST_F(TimeLimitTest, is_never_reached_when_it_was_taken_away) {
    says("JobState=RUNNING Reason=None RunTime=2-00:00:00 TimeLimit=UNLIMITED");
    auto& unlimited = with_end_in(-20);
    unlimited.ask();
    ASSERT_TRUE(answered());
    EXPECT_FALSE(unlimited.reached());
}

TEST_F(TimeLimitTest, is_told_apart_from_preemption) {
    says("JobState=COMPLETING Reason=None RunTime=00:01:00 TimeLimit=00:10:00\necho ' ' "
         "PreemptEligibleTime=1764255600 PreemptTime=1764255660");
    auto& asked = with_end_in(520);
    asked.ask();
    ASSERT_TRUE(answered());
    EXPECT_EQ(asked.sender(), Sender::preemption);
    EXPECT_FALSE(asked.preempted_and_runs());
    auto& heard = with_end_in(520);
    heard.hear("slurmstepd-node1: error: *** STEP 9.0 ON node1 CANCELLED AT 2026-11-26T12:30:40 DUE TO "
               "PREEMPTION ***\n");
    EXPECT_EQ(heard.sender(), Sender::preemption);
    EXPECT_EQ(outcome_of_signal(SIGTERM, heard.sender()).exit_code, 108);
}

TEST_F(TimeLimitTest, is_told_apart_from_preemption_with_time_to_go) {
    says("JobState=RUNNING Reason=None RunTime=00:01:00 TimeLimit=00:10:00 PreemptTime=1764255660");
    auto& asked = with_end_in(520);
    asked.ask();
    ASSERT_TRUE(answered());
    EXPECT_TRUE(asked.preempted_and_runs());
    asked.hear("slurmstepd-node1: error: *** STEP 9.0 ON node1 CANCELLED AT 2026-11-26T12:30:40 ***\n");
    EXPECT_TRUE(asked.preempted_and_runs());
    asked.hear("slurmstepd-node1: error: *** STEP 9.0 ON node1 CANCELLED AT 2026-11-26T12:30:40 DUE TO "
               "PREEMPTION ***\n");
    EXPECT_FALSE(asked.preempted_and_runs()) << "the time is over, and Slurm has done what it does";
    EXPECT_EQ(asked.sender(), Sender::preemption);
}

TEST_F(TimeLimitTest, is_looked_up_when_the_known_end_is_here_and_not_before) {
    says("JobState=RUNNING Reason=None RunTime=00:01:00 TimeLimit=00:10:00");
    with_end_in(60).look();
    EXPECT_FALSE(limit->asking());
    auto& here = with_end_in(0);
    here.look();
    ASSERT_TRUE(here.asking());
    ASSERT_TRUE(answered());
    EXPECT_FALSE(here.reached()) << "and so a scancel a minute later is one";
}

TEST_F(TimeLimitTest, is_asked_for_again_only_after_a_while) {
    says("JobState=RUNNING Reason=None RunTime=00:01:00 TimeLimit=00:01:00");
    auto& over = with_end_in(-1);
    over.look();
    ASSERT_TRUE(answered());
    EXPECT_TRUE(over.reached());
    over.look();
    EXPECT_FALSE(over.asking()) << "Slurm ends the job in a minute at the latest, and is not to be bothered";
}

TEST_F(TimeLimitTest, is_what_it_was_when_slurm_gives_no_answer) {
    for (auto* silent : {"echo slurm_load_jobs error: Unable to contact slurm controller; exit 1", "exit 0",
                         "echo JobId=7 JobState=RUNNING", "exec sleep 60"}) {
        scontrol(silent);
        for (double end : {-20.0, 520.0}) {
            auto& limit = with_end_in(end);
            limit.ask();
            ASSERT_TRUE(answered()) << silent;
            EXPECT_EQ(limit.reached(), end < 0) << silent;
        }
    }
}

TEST_F(TimeLimitTest, is_heard_from_slurmstepd_and_nobody_is_asked) {
    says("JobState=RUNNING");
    auto& heard = with_end_in(520);
    for (auto* other : {"slurmstepd-node1: error: *** STEP 9.0 ON node1 CANCELLED AT 2026-11-26T12:29:38 ***",
                        "slurmstepd: error: *** STEP 9.0 ON node1 CANCELLED AT 2026-11-26T12:29:38 DUE TO "
                        "JOB REQUEUE ***",
                        "railhead: DUE TO TIME LIMIT ***", "", "slurmstepd"})
        heard.hear(other);
    EXPECT_FALSE(heard.reached());
    EXPECT_EQ(words, 0);
    heard.hear("slurmstepd-node1: error: *** STEP 9.0 ON node1 CANCELLED AT 2026-11-26T12:30:40 DUE TO TIME "
               "LIMIT ***\n");
    EXPECT_TRUE(heard.reached());
    EXPECT_EQ(words, 1);
    heard.ask();
    EXPECT_FALSE(heard.asking() || asked());
}

/// A launch of one rank whose time limit is known better later.
struct OfOneRank {
    bool at_limit = false;
    Launch launch{Plan{.recipe = "run",
                       .order = {{.name = "node1", .address = {}}},
                       .processes = {{.id = "rank.0", .role = Role::rank, .argv = {"true"}}}},
                  {.send = [](int, const Order&) {},
                   .say = [](auto&) {},
                   .ready = [] {},
                   .log_back = {},
                   .silent_s = {},
                   .sender = [this] { return at_limit ? Sender::time_limit : Sender::unknown; }}};
    const std::string& settled(bool limit) {
        at_limit = limit;
        EXPECT_TRUE(launch.settle());
        EXPECT_FALSE(launch.settle());
        EXPECT_EQ(launch.outcome().exit_code,
                  exit_code(limit ? ErrorKind::time_limit : ErrorKind::cancelled));
        return launch.outcome().cause.sentence;
    }
};

TEST(LaunchAtLimit, what_slurm_says_after_the_end_began_is_the_cause) {
    OfOneRank rank;
    EXPECT_FALSE(rank.launch.settle()) << "nothing has ended";
    rank.launch.on_event(0, Event{.type = Event::Type::stopped, .value = "15"}, 1);
    EXPECT_FALSE(rank.launch.settle());
    EXPECT_EQ(rank.settled(true), "the job reached its time limit; ask for more with --time");
    EXPECT_EQ(
        rank.settled(false),
        "cancelled: told to end by SIGTERM, as scancel, a requeue, preemption and a shortened time limit do");
    rank.at_limit = true;
    rank.launch.on_signal(SIGTERM, 2);
    EXPECT_TRUE(rank.launch.victims().empty()) << "the supervisor's signal is of the same end";
}

TEST(LaunchAtLimit, another_cause_than_a_signal_stays) {
    OfOneRank rank;
    rank.launch.on_event(0, {.type = Event::Type::exited, .id = "rank.0", .ended = Ended{.code = 3}}, 1);
    rank.launch.on_signal(SIGTERM, 5);
    rank.at_limit = true;
    EXPECT_FALSE(rank.launch.settle());
    EXPECT_EQ(rank.launch.outcome().exit_code, 3);
}

TEST(LaunchAtLimit, an_end_before_the_agents_were_there_says_what_was_waited_for) {
    OfOneRank rank;
    rank.launch.end_by_signal(SIGTERM, 5, "waiting for agents on node1");
    EXPECT_EQ(rank.settled(true),
              "the job reached its time limit while waiting for agents on node1; ask for more with --time");
    EXPECT_EQ(rank.settled(false),
              "cancelled: told to end by SIGTERM while waiting for agents on node1, as scancel, a requeue, "
              "preemption and a shortened time limit do");
}

} // namespace
} // namespace railhead
