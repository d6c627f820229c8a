#include "launcher/agent/ranks.hpp"

#include "base/child.hpp"
#include "base/clock.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/task.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

namespace railhead {
namespace {

/// `railhead ranks` and its ranks, each in a process of its own.
class AgentRanks : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "railhead-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        dir = name;
    }
    void TearDown() override { std::filesystem::remove_all(dir); }

    Environment environment(int rank = 0) const {
        return Environment({{"PATH", "/usr/bin:/bin"},
                            {"RAILHEAD_JOB_DIR", dir},
                            {"RAILHEAD_PROCESS", "ranks.node1"},
                            {ranks_mark, dir + "/ranks"},
                            {"TMPDIR", dir},
                            {"RAILHEAD_TMPDIR", "/var/tmp"}, // the user's own
                            {"PMIX_RANK", std::to_string(rank)},
                            {"SLURM_PROCID", "99"}});
    }
    template <class Work>
    static pid_t in_a_child(Work work) {
        auto pid = fork();
        if (pid == 0) _exit(work());
        return pid;
    }
    pid_t start_ranks(int count, const std::string& grace = "5") const {
        auto pid = in_a_child([&] {
            if (!std::freopen((dir + "/log").c_str(), "w", stdout)) return 1;
            return run_ranks(environment(), {std::to_string(count), grace});
        });
        wait_for("log", ranks_listen);
        return pid;
    }
    pid_t start_rank(int rank, const std::string& script) const {
        return in_a_child([&] { return run_task(environment(rank), {"sh", "-c", script}); });
    }
    void wait_for(const std::string& file, const std::string& text) const {
        for (auto deadline = Deadline::in(10); !deadline.passed(); usleep(5000))
            if (read_text(dir + "/" + file).value_or("").find(text) != std::string::npos) return;
        FAIL() << file << " does not say " << text;
    }
    static ChildStatus end_of(pid_t pid) {
        int word = 0;
        waitpid(pid, &word, 0);
        return child_status_from(word);
    }
    static ChildStatus exited(int code) { return {ChildStatus::Kind::exited, code}; }
    static ChildStatus killed(int signal) { return {ChildStatus::Kind::killed, signal}; }
    std::optional<FailedTask> first() const { return first_failed_task(dir, "ranks.node1"); }
    std::string dir;
};

TEST_F(AgentRanks, end_well_when_all_have) {
    auto ranks = start_ranks(2);
    auto one = start_rank(0, "exit 0");
    EXPECT_EQ(end_of(one), exited(0));
    EXPECT_EQ(end_of(start_rank(1, "[ $TMPDIR = /var/tmp ]")), exited(0));
    EXPECT_EQ(end_of(ranks), exited(0));
    wait_for("log", ranks_run);
    EXPECT_FALSE(first());
}

TEST_F(AgentRanks, name_the_first_that_fails_and_end_the_others) {
    auto ranks = start_ranks(2);
    auto other = start_rank(6, "echo runs >" + dir + "/6; exec sleep 60");
    wait_for("6", "runs");
    EXPECT_EQ(end_of(start_rank(7, "exit 3")), exited(3));
    EXPECT_EQ(end_of(ranks), exited(3));
    EXPECT_EQ(end_of(other), killed(SIGTERM));
    ASSERT_TRUE(first());
    EXPECT_EQ(first()->ended, (Ended{.code = 3, .rank = 7}));
    EXPECT_NEAR(first()->at_s, wall_s(), 10);
}

TEST_F(AgentRanks, pass_signals_on_and_wait_for_what_becomes_of_them) {
    auto ranks = start_ranks(1);
    auto rank = start_rank(0, "trap 'echo one >>" + dir + "/0' USR1; trap 'exit 5' TERM; echo runs >" + dir +
                                  "/0; while :; do sleep 0.02; done");
    wait_for("0", "runs");
    kill(ranks, SIGUSR1);
    wait_for("0", "one");
    kill(ranks, SIGTERM);
    EXPECT_EQ(end_of(rank), exited(5));
    EXPECT_EQ(end_of(ranks), exited(5));
}

TEST_F(AgentRanks, take_a_rank_along_when_they_are_killed) {
    auto ranks = start_ranks(1);
    auto rank = start_rank(0, "trap '' TERM; echo runs >" + dir + "/0; while :; do sleep 0.02; done");
    wait_for("0", "runs");
    kill(ranks, SIGKILL);
    EXPECT_EQ(end_of(rank), killed(SIGKILL));
    end_of(ranks);
}

TEST_F(AgentRanks, kill_after_the_grace_what_takes_no_notice) {
    auto ranks = start_ranks(2, "0.2");
    auto stubborn = start_rank(0, "trap '' TERM; echo runs >" + dir + "/0; while :; do sleep 0.02; done");
    wait_for("0", "runs");
    auto begun_s = monotonic_s();
    end_of(start_rank(1, "exit 9"));
    EXPECT_EQ(end_of(stubborn), killed(SIGKILL));
    EXPECT_GE(monotonic_s() - begun_s, 0.2);
    EXPECT_EQ(end_of(ranks), exited(9));
}

TEST_F(AgentRanks, say_of_a_rank_that_was_killed_with_its_task_what_they_know) {
    auto ranks = start_ranks(1);
    auto rank = start_rank(4, "echo runs >" + dir + "/4; exec sleep 60");
    wait_for("4", "runs");
    kill(rank, SIGKILL);
    end_of(rank);
    EXPECT_EQ(end_of(ranks), exited(137));
    EXPECT_EQ(first()->ended, (Ended{.signal = SIGKILL, .rank = 4}));
    wait_for("log", std::string("rank 4 ") + ranks_killed);
    EXPECT_EQ(first()->log, dir + "/log");
}

TEST_F(AgentRanks, that_are_not_there_start_no_rank) {
    EXPECT_EQ(end_of(start_rank(0, "echo runs >" + dir + "/0")), exited(102));
    EXPECT_FALSE(std::filesystem::exists(dir + "/0"));
}

} // namespace
} // namespace railhead
