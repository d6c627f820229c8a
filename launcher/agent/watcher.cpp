#include "launcher/agent/watcher.hpp"

#include "base/clock.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/hello.hpp"
#include "launcher/agent/leaving.hpp"
#include "launcher/agent/worker.hpp"
#include "launcher/signals.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace railhead {
namespace {

constexpr double invitation_within_s = 60;
constexpr std::size_t max_invitation_bytes = 64 * 1024;
constexpr double worker_slack_s = 5; ///< beyond the grace, for a worker that was told to end

UniqueFd take_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (int number : launch_signals) sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// Nobody but the invitation uses the agent's standard input; user processes get their own.
void drop_input() {
    UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null) dup2(null.get(), 0);
}

int complain(const std::string& node, const Error& error) {
    fmt::print(stderr, "railhead: {}: {}\n", node, sentence(error));
    return exit_code(error.kind);
}

struct Watched {
    pid_t worker = -1;
    std::optional<ChildStatus> status;
    double kill_at_s = 0; ///< 0: not told to end
};

void pass_signals(int signals, Watched& watched, double grace_s) {
    signalfd_siginfo info{};
    while (read(signals, &info, sizeof info) == sizeof info) {
        auto number = static_cast<int>(info.ssi_signo);
        if (number == SIGCHLD) continue;
        kill(watched.worker, number);
        if (!is_for_program(number) && watched.kill_at_s == 0)
            watched.kill_at_s = monotonic_s() + grace_s + worker_slack_s;
    }
}

/// Until the worker has ended.
void watch(Watched& watched, int signals, double grace_s) {
    auto on_reaped = [&](pid_t pid, ChildStatus status) {
        if (pid == watched.worker) watched.status = status;
    };
    while (true) {
        reap_all(on_reaped);
        if (watched.status) return;
        bool overdue = watched.kill_at_s > 0 && monotonic_s() > watched.kill_at_s;
        if (overdue) kill(watched.worker, SIGKILL);
        pollfd ready{signals, POLLIN, 0};
        poll(&ready, 1, watched.kill_at_s > 0 ? 200 : -1);
        pass_signals(signals, watched, grace_s);
    }
}

int clean_after_worker(const Watched& watched, const std::string& node, const LaunchName& name,
                       const std::string& dir, ShmFiles& shm) {
    shm.read_record(shm_record_text(dir));
    shm.look(living_descendants(), ShmFiles::Holders::to_be_killed);
    for (auto& finding : clean_up({node, name, dir}, shm, {}))
        fmt::print(stderr, "railhead: {}\n", sentence(finding));
    if (watched.status->kind == ChildStatus::Kind::exited) return watched.status->value;
    fmt::print(stderr, "railhead: {}: the agent was killed by signal {}; what it had started was ended\n",
               node, watched.status->value);
    return exit_code(ErrorKind::internal);
}

LaunchName launch_name(const Environment& environment, const Invitation& invitation) {
    return {environment.get("SLURM_JOB_ID").value_or("0"), environment.get("SLURM_STEP_ID").value_or("0"),
            invitation.launch};
}

int start_and_watch(const Invitation& invitation, const Environment& environment, int signals) {
    WorkerStart start{.invitation = invitation,
                      .environment = environment,
                      .name = launch_name(environment, invitation),
                      .directory = {},
                      .findings = {},
                      .leash = {}};
    auto node = node_name(environment);
    start.findings = sweep(node, invitation.tmp, start.name.job, "");
    auto directory = LaunchDirectory::make(invitation.tmp, start.name);
    if (directory)
        start.directory = std::move(*directory);
    else
        start.findings.push_back(std::move(directory.error()).within(node).finding);
    auto dir = start.directory ? start.directory->path() : "";
    auto name = start.name;
    ShmFiles shm(""); // sees what was there before the launch

    become_subreaper();
    int leash[2];
    if (pipe2(leash, O_CLOEXEC) != 0) return complain(node, file_error("agent", "pipe", errno).value());
    start.leash.reset(leash[0]);
    UniqueFd held(leash[1]);
    Watched watched;
    watched.worker = fork();
    if (watched.worker == 0) {
        held.reset();
        _exit(run_worker(std::move(start)));
    }
    if (watched.worker < 0) return complain(node, file_error("agent", "fork", errno).value());
    start.leash.reset();
    watch(watched, signals, invitation.grace_s + invitation.after_s);
    return clean_after_worker(watched, node, name, dir, shm);
}

// srun --bcast leaves its copy of the program behind (srun(1)); running, it needs no name any more.
void remove_broadcast_copy(const Invitation& invitation) {
    std::error_code error;
    auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    auto name = self.filename().string();
    bool copy = name.starts_with("rh-") && name.ends_with("-" + invitation.launch + "-railhead");
    if (!error && copy && self.parent_path() == invitation.tmp) std::filesystem::remove(self, error);
}

} // namespace

Result<std::string> read_invitation_line(int fd, double seconds) {
    auto bad = [](const char* id, const std::string& seen) {
        return fail(ErrorKind::bringup_failed, {.id = id,
                                                .thing = "the invitation on standard input",
                                                .seen = seen,
                                                .expected = "one line from the railhead that ran srun",
                                                .next = "do not run 'railhead agent' by hand"});
    };
    auto deadline = Deadline::in(seconds);
    std::string line;
    while (line.size() < max_invitation_bytes) {
        pollfd ready{fd, POLLIN, 0};
        if (poll(&ready, 1, deadline.left_ms()) < 0 && errno != EINTR) break;
        if (deadline.passed())
            return bad("invitation-late", fmt::format("did not come within {:g} s", seconds));
        char next = 0;
        auto got = ready.revents ? read(fd, &next, 1) : -1; // by byte: what follows the line is not ours
        if (got == 0) return bad("invitation-cut", fmt::format("ended after {} bytes", line.size()));
        if (got < 0) continue;
        if (next == '\n') return line;
        line += next;
    }
    return bad("invitation-cut", "has no end");
}

int run_agent(const Environment& environment) {
    auto node = node_name(environment);
    auto line = read_invitation_line(0, invitation_within_s);
    if (!line) return complain(node, line.error());
    auto invitation = invitation_from(*line);
    if (!invitation) return complain(node, invitation.error());
    remove_broadcast_copy(*invitation);
    drop_input();
    auto signals = take_signals(); // until here there is nothing to clean: a signal just ends us
    return start_and_watch(*invitation, environment, signals.get());
}

} // namespace railhead
