// Every way in which an agent ends, with real processes: afterwards nothing of the launch is there.
#include "agent_rig.hpp"
#include "base/fd.hpp"

#include "launcher/agent/proctable.hpp"
#include "launcher/agent/sweep.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include <sys/mman.h>

namespace railhead {
namespace {

using testing::HasSubstr;

class AgentEnds : public AgentRig {
  protected:
    /// Runs until it is killed, and ignores what asks it to end.
    void run_stubborn(const std::string& id) {
        auto process = shell(id, "trap '' TERM INT HUP; echo up; while :; do sleep 1; done");
        process.milestones = {{.name = "up", .kind = "line", .arg = "^up$"}};
        run_process(process);
        ASSERT_TRUE(await(Event::Type::milestone, id, "up")); // started is not yet deaf
    }
    /// At once, as Slurm does: the one that is left must have no moment to clean up in.
    void kill_both(pid_t second) {
        kill(second, SIGSTOP);
        EXPECT_TRUE(until([&] { return read_proc(second)->state == 'T'; }));
        kill(watcher, SIGKILL);
        kill(second, SIGKILL);
    }
    /// The kernel may take a moment longer than a killed agent's end to give its lock back.
    bool lock_is_free() {
        UniqueFd folder(open(dir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        return folder && flock(folder.get(), LOCK_SH | LOCK_NB) == 0;
    }
    pid_t worker() {
        for (auto& entry : descendants_of(watcher, read_proc_table()))
            if (entry.ppid == watcher) return entry.pid;
        return -1;
    }
};

TEST_F(AgentEnds, leaves_nothing_after_a_quiet_launch) {
    start_and_meet();
    EXPECT_EQ(hello->dir, dir());
    run_process(shell("a", "exit 0"));
    ASSERT_TRUE(await(Event::Type::exited, "a"));
    EXPECT_LT(leave(10), 5) << "it does not wait for the grace";
    EXPECT_TRUE(event(Event::Type::bye));
    EXPECT_EQ(*agent_status, 0);
    expect_nothing_left();
}

TEST_F(AgentEnds, kills_a_process_that_ignores_sigterm_after_the_grace) {
    start_and_meet();
    run_stubborn("a");
    auto pid = pid_of("a");
    auto took = leave(0.5);
    EXPECT_GE(took, 0.5);
    EXPECT_LT(took, 5);
    EXPECT_FALSE(runs(pid));
    auto* exited = event(Event::Type::exited, "a");
    ASSERT_TRUE(exited);
    EXPECT_EQ(exited->ended->signal, SIGKILL);
    expect_nothing_left();
}

TEST_F(AgentEnds, kills_a_daemon_that_left_its_session_and_its_parent) {
    start_and_meet();
    run_process(shell("a", "setsid sh -c 'echo $$ > daemon; trap \"\" TERM; while :; do sleep 1; done' & "
                           "while [ ! -s daemon ]; do sleep 0.01; done"));
    ASSERT_TRUE(await(Event::Type::exited, "a"));
    auto daemon = pid_in(base + "/daemon");
    EXPECT_TRUE(runs(daemon));
    leave(0.3);
    EXPECT_FALSE(runs(daemon));
    expect_nothing_left();
}

TEST_F(AgentEnds, finds_a_process_that_another_parent_adopted_and_says_so) {
    start_and_meet();
    // Started by the test, as a daemon outside of the tree would be; it carries the launch's mark.
    auto escaped = Child::start(
        {.argv = {"sleep", "60"},
         .env = {{"PATH", "/usr/bin:/bin"}, {"RAILHEAD_LAUNCH", mark()}, {"SLURM_JOB_ID", job}}});
    auto other_job = Child::start(
        {.argv = {"sleep", "60"},
         .env = {{"PATH", "/usr/bin:/bin"}, {"RAILHEAD_LAUNCH", mark()}, {"SLURM_JOB_ID", job + "1"}}});
    ASSERT_TRUE(escaped && other_job);
    leave(0.3);
    EXPECT_EQ(escaped->wait(1), (ChildStatus{ChildStatus::Kind::killed, SIGKILL}));
    EXPECT_EQ(other_job->poll(), std::nullopt)
        << "a job that one of ours submitted inherits the mark and lives";
    other_job->signal(SIGKILL);
    other_job->wait(5);
    auto* said = event(Event::Type::finding);
    ASSERT_TRUE(said);
    EXPECT_EQ(sentence(*said->finding), "n1: process " + std::to_string(escaped->pid()) +
                                            " (sleep 60) had left the launch's process tree and was killed");
    expect_nothing_left();
}

TEST_F(AgentEnds, tells_the_supervisor_first_when_slurm_cancels_the_step) {
    start_and_meet();
    run_stubborn("a");
    auto pid = pid_of("a");
    auto before = monotonic_s();
    kill(watcher, SIGTERM);
    auto* stopped = await(Event::Type::stopped);
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->value, "15");
    EXPECT_TRUE(until([this] { return ended(); }));
    EXPECT_LT(monotonic_s() - before, 5);
    EXPECT_EQ(WEXITSTATUS(*agent_status), exit_code(ErrorKind::cancelled));
    EXPECT_FALSE(runs(pid));
    expect_nothing_left();
}

TEST_F(AgentEnds, watcher_cleans_up_after_a_killed_worker) {
    start_and_meet();
    run_stubborn("a");
    auto pid = pid_of("a");
    run_process(shell("b", "setsid sh -c 'echo $$ > daemon; while :; do sleep 1; done' & wait"));
    auto daemon = pid_in(base + "/daemon");
    kill(worker(), SIGKILL);
    EXPECT_TRUE(until([this] { return ended(); }));
    EXPECT_FALSE(runs(pid) || runs(daemon));
    EXPECT_THAT(agent_output(),
                HasSubstr("railhead: n1: the agent was killed by signal 9; what it had started was"));
    EXPECT_EQ(WEXITSTATUS(*agent_status), exit_code(ErrorKind::internal));
    expect_nothing_left();
}

TEST_F(AgentEnds, worker_cleans_up_after_a_killed_watcher) {
    start_and_meet();
    run_stubborn("a");
    auto pid = pid_of("a");
    kill(watcher, SIGKILL);
    auto* said = await(Event::Type::finding);
    ASSERT_TRUE(said);
    EXPECT_EQ(sentence(*said->finding), "n1: the agent was killed; look at the node's log for who did it");
    ASSERT_TRUE(await(Event::Type::bye));
    EXPECT_FALSE(runs(pid));
    EXPECT_TRUE(until([this] {
        ended();
        reap();
        return waitpid(-1, nullptr, WNOHANG) == -1;
    })) << "the worker, which fell to the test, ends";
    EXPECT_FALSE(std::filesystem::exists(dir()));
}

TEST_F(AgentEnds, sweep_cleans_up_after_both_halves_were_killed) {
    start_and_meet();
    run_process(shell("a", "setsid sh -c 'echo $$ > daemon; while :; do sleep 1; done' & wait"));
    auto daemon = pid_in(base + "/daemon");
    EXPECT_EQ(run_sweep(Environment(environment()), job + ".0", base), 0);
    EXPECT_TRUE(std::filesystem::exists(dir())) << "a living agent's directory is never touched";
    auto second = worker();
    kill_both(second);
    until([this] { return ended(); });
    EXPECT_TRUE(until([&] { return !runs(second); }));
    ASSERT_TRUE(until([this] { return lock_is_free(); }));
    EXPECT_TRUE(runs(daemon)) << "only the direct children of a killed worker die with it";
    EXPECT_EQ(run_sweep(Environment(environment()), job + ".1", base), 0);
    EXPECT_TRUE(runs(daemon)) << "another step's";
    EXPECT_EQ(run_sweep(Environment(environment()), job + ".0", base), 0);
    EXPECT_FALSE(runs(daemon));
    expect_nothing_left();
}

TEST_F(AgentEnds, sweep_spares_shared_memory_that_was_let_go_long_before) {
    start_and_meet();
    auto file = "/dev/shm/railhead_test_" + std::to_string(getpid());
    run_process(
        shell("a", "exec 9<>" + file + "; until [ -e go ]; do sleep 0.05; done; exec 9>&-; sleep 60"));
    auto held = [&] { return text_of(dir() + "/shm").find("held ") != std::string::npos; };
    EXPECT_TRUE(until(held));
    std::ofstream(base + "/go") << "x";
    EXPECT_TRUE(until([&] { return !held(); })) << "of the living, nobody holds it now";
    kill_both(worker());
    until([this] { return ended(); });
    ASSERT_TRUE(until([this] { return lock_is_free(); }));
    EXPECT_EQ(run_sweep(Environment(environment()), job + ".0", base), 0);
    EXPECT_TRUE(std::filesystem::remove(file)) << "it was left on purpose";
}

TEST_F(AgentEnds, next_agent_of_the_job_cleans_up_after_both_halves_were_killed) {
    start_and_meet();
    auto first = worker();
    kill_both(first);
    until([this] { return ended(); });
    ASSERT_TRUE(until([&] {
        reap();
        return !runs(first);
    }));
    ASSERT_TRUE(until([this] { return lock_is_free(); }));
    hello.reset();
    agent_status.reset();
    open_server();
    auto second = invitation();
    second.launch = "def456";
    start_agent(second);
    ASSERT_TRUE(until([this] { return hello.has_value(); })) << agent_output();
    EXPECT_FALSE(std::filesystem::exists(dir()));
    ASSERT_EQ(hello->findings.size(), 1U);
    EXPECT_EQ(sentence(hello->findings[0]),
              "n1: " + dir() + " was left by an agent that is gone; it was cleaned up");
    EXPECT_EQ(hello->findings[0].level, Level::info);
}

TEST_F(AgentEnds, ends_when_the_supervisor_is_gone) {
    start_and_meet();
    run_stubborn("a");
    auto pid = pid_of("a");
    auto before = monotonic_s();
    server.reset();
    EXPECT_TRUE(until([this] { return ended(); }));
    EXPECT_LT(monotonic_s() - before, 5);
    EXPECT_FALSE(runs(pid));
    EXPECT_THAT(agent_output(), HasSubstr("railhead: n1: the supervisor has ended"));
    expect_nothing_left();
}

TEST_F(AgentEnds, gives_up_on_an_invitation_that_is_cut) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    ASSERT_EQ(write(ends[1], "{\"v\":", 5), 5);
    close(ends[1]);
    auto line = read_invitation_line(ends[0], 5);
    close(ends[0]);
    ASSERT_FALSE(line);
    EXPECT_EQ(sentence(line.error()),
              "the invitation on standard input ended after 5 bytes (expected one line from "
              "the railhead that ran srun); do not run 'railhead agent' by hand");
}

TEST_F(AgentEnds, gives_up_on_an_invitation_that_does_not_come) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    auto line = read_invitation_line(ends[0], 0.1);
    close(ends[0]);
    close(ends[1]);
    ASSERT_FALSE(line);
    EXPECT_THAT(sentence(line.error()), HasSubstr("did not come within 0.1 s"));
}

TEST_F(AgentEnds, says_why_there_is_no_directory_and_lives_to_be_told_to_leave) {
    std::filesystem::create_directory_symlink("/", dir());
    start_and_meet();
    ASSERT_FALSE(hello->findings.empty());
    EXPECT_EQ(sentence(hello->findings.back()), "n1: " + dir() +
                                                    " exists already; remove it, or set launch.tmp to "
                                                    "another directory, which must be each node's own");
    EXPECT_EQ(hello->findings.back().level, Level::fail);
    leave(0.3);
    EXPECT_TRUE(std::filesystem::exists(dir())) << "it is not ours";
}

TEST_F(AgentEnds, removes_shared_memory_that_a_killed_process_left_and_no_other) {
    auto ours = "/dev/shm/rig-ours-" + std::to_string(getpid());
    auto others = "/dev/shm/rig-others-" + std::to_string(getpid());
    std::ofstream(others) << "x";
    start_and_meet();
    run_process(shell("a", "exec 9<> " + ours + "; echo x >&9; echo ready > shm-ready; sleep 60"));
    ASSERT_TRUE(until([&] { return std::filesystem::exists(base + "/shm-ready"); }));
    EXPECT_TRUE(std::filesystem::exists(ours));
    leave(0.1);
    EXPECT_FALSE(std::filesystem::exists(ours));
    EXPECT_TRUE(std::filesystem::exists(others));
    std::filesystem::remove(others);
    expect_nothing_left();
}

} // namespace
} // namespace railhead
