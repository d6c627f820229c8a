#include "launcher/agent/ranks.hpp"

#include "folder_rig.hpp"

#include "base/child.hpp"
#include "base/clock.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/rank_logs.hpp"
#include "launcher/agent/task.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

namespace railhead {
namespace {

/// `railhead ranks` and its ranks, each in a process of its own.
class AgentRanks : public FolderRig {
  protected:
    Environment environment(int rank = 0) const {
        std::map<std::string, std::string> variables{{"PATH", "/usr/bin:/bin"},
                                                     {"RAILHEAD_JOB_DIR", dir},
                                                     {"RAILHEAD_PROCESS", "ranks.node1"},
                                                     {ranks_mark, dir + "/ranks"},
                                                     {"TMPDIR", dir},
                                                     {"RAILHEAD_TMPDIR", "/var/tmp"}, // the user's own
                                                     {"PMIX_RANK", std::to_string(rank)},
                                                     {"SLURM_PROCID", "99"}};
        if (to_files) variables[rank_logs_mark] = "yes";
        return Environment(variables);
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
    bool to_files = false;
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
    EXPECT_EQ(first()->ended, (Ended{.signal = SIGKILL, .rank = 4, .with_step = true}));
}

TEST_F(AgentRanks, write_to_files_of_their_own_and_name_that_of_the_one_that_failed) {
    to_files = true;
    auto ranks = start_ranks(2);
    EXPECT_EQ(end_of(start_rank(3, "echo one; [ -z $RAILHEAD_RANK_LOGS ]")), exited(0));
    EXPECT_EQ(end_of(start_rank(4, "echo two; echo three >&2; exit 9")), exited(9));
    end_of(ranks);
    EXPECT_EQ(read_text(dir + "/logs/rank3.out"), "one\n");
    EXPECT_EQ(read_text(dir + "/logs/rank4.out"), "two\n");
    EXPECT_EQ(read_text(dir + "/logs/rank4.err"), "three\n");
    EXPECT_EQ(first()->log, dir + "/logs/rank4.err");
}

TEST_F(AgentRanks, without_a_log_end_with_a_code_of_our_own_and_not_a_shells) {
    to_files = true;
    std::ofstream(dir + "/logs") << "no folder";
    auto ranks = start_ranks(1);
    EXPECT_EQ(end_of(start_rank(3, "echo runs >" + dir + "/3")), exited(102));
    EXPECT_EQ(end_of(ranks), exited(102));
    EXPECT_FALSE(std::filesystem::exists(dir + "/3"));
}

TEST_F(AgentRanks, that_are_all_killed_name_the_one_that_called_mpi_abort_and_when) {
    to_files = true;
    auto ranks = start_ranks(2);
    auto victim = start_rank(4, "echo runs >" + dir + "/4; exec sleep 60");
    auto aborts = start_rank(
        5,
        "printf 'MPI_ABORT was invoked on rank 1 in communicator X\\nwith errorcode 5.\\n' >&2; echo runs >" +
            dir + "/5; exec sleep 60");
    wait_for("4", "runs");
    wait_for("5", "runs");
    auto said_s = wall_s();
    usleep(300000);
    kill(victim, SIGKILL);
    end_of(victim);
    EXPECT_EQ(end_of(ranks), exited(5));
    kill(aborts, SIGKILL);
    end_of(aborts);
    EXPECT_EQ(first()->ended, (Ended{.code = 5, .rank = 5}));
    EXPECT_LT(first()->at_s, said_s + 0.1);
}

TEST_F(AgentRanks, are_stood_for_until_they_are_gone_though_the_failure_is_told_at_once) {
    auto ranks = start_ranks(2, "5");
    auto slow = start_rank(0, "trap 'sleep 0.5; exit 0' TERM; echo runs >" + dir +
                                  "/0; while :; do sleep 0.02; done");
    wait_for("0", "runs");
    end_of(start_rank(1, "exit 9"));
    auto begun_s = monotonic_s();
    EXPECT_EQ(end_of(ranks), exited(9));
    EXPECT_LT(monotonic_s() - begun_s, 0.4);
    EXPECT_EQ(end_of(slow), exited(0));
}

TEST(MpiAbort, is_read_as_each_mpi_says_it) {
    EXPECT_EQ(mpi_abort_code(
                  {"MPI_ABORT was invoked on rank 2 in communicator MPI_COMM_WORLD", "with errorcode 5."}),
              5);
    EXPECT_EQ(mpi_abort_code({"MPI_ABORT was invoked on rank 2 in communicator MPI_COMM_WORLD",
                              "  Proc: [[37393,1],2]", "  Errorcode: -1"}),
              -1);
    EXPECT_EQ(mpi_abort_code({"x", "Abort(5) on node 2 (rank 2 in comm 0): application called "
                                   "MPI_Abort(MPI_COMM_WORLD, 5) - process 2"}),
              5);
    EXPECT_EQ(mpi_abort_code({"errorcode 5", "MPI_ABORT was invoked on rank 2 in"}), std::nullopt);
    EXPECT_EQ(mpi_abort_code({}), std::nullopt);
}

TEST_F(AgentRanks, that_are_not_there_start_no_rank) {
    EXPECT_EQ(end_of(start_rank(0, "echo runs >" + dir + "/0")), exited(102));
    EXPECT_FALSE(std::filesystem::exists(dir + "/0"));
}

} // namespace
} // namespace railhead
