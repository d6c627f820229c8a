#include "base/child.hpp"

#include "base/clock.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace railhead {

namespace {

/// What the child tells when it cannot run the program.
struct Failure {
    enum class Stage : int { group, identity, directory, input, exec } stage;
    int error;
};

/// Everything the child needs, made before fork: between fork and exec only system calls are allowed.
struct Prepared {
    std::string path;
    std::vector<std::string> env_texts;
    std::vector<char*> argv, env, shell_argv;
    std::string shell = "/bin/sh";
    pid_t parent = getpid();
    int stdin_fd = -1, failure_fd = -1;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

[[noreturn]] void give_up(int failure_fd, Failure::Stage stage) {
    Failure failure{stage, errno};
    [[maybe_unused]] auto written = write(failure_fd, &failure, sizeof failure);
    _exit(127);
}

/// Marks all descriptors from `first` on close-on-exec, also those that came from our own parent unmarked.
void close_on_exec_from(int first) {
    constexpr unsigned close_range_cloexec = 4;
    if (syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, close_range_cloexec) == 0) return;
    long limit = sysconf(_SC_OPEN_MAX); // before Linux 5.11
    if (limit < 0 || limit > 65536) limit = 65536;
    for (int fd = first; fd < limit; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void reset_signals() {
    struct sigaction preset {};
    preset.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) sigaction(number, &preset, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// dup2 that also clears close-on-exec when both are the same.
bool put(int fd, int target) {
    if (fd == target) return fcntl(fd, F_SETFD, 0) == 0;
    return dup2(fd, target) >= 0;
}

/// Moves a descriptor out of 0..2, so that putting one in place does not overwrite another.
int above_standard(int fd) {
    return fd >= 0 && fd <= 2 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : fd;
}

void take_group(const ChildSpec& spec, int failure_fd) {
    bool done = true;
    if (spec.group == ChildSpec::Group::own_group) done = setpgid(0, 0) == 0;
    if (spec.group == ChildSpec::Group::own_session) done = setsid() >= 0;
    if (!done) give_up(failure_fd, Failure::Stage::group);
}

void take_streams(const ChildSpec& spec, const Prepared& prepared, int failure_fd) {
    int in = above_standard(prepared.stdin_fd);
    int out = spec.stdout_fd >= 0 ? above_standard(spec.stdout_fd) : -1;
    int err = spec.stderr_fd >= 0 ? above_standard(spec.stderr_fd) : -1;
    if (!put(in, 0) || (out >= 0 && !put(out, 1)) || (err >= 0 && !put(err, 2)))
        give_up(failure_fd, Failure::Stage::input);
    if (spec.controlling_terminal && ioctl(0, TIOCSCTTY, 0) != 0) give_up(failure_fd, Failure::Stage::input);
}

void take_limits(const std::map<int, std::uint64_t>& soft) {
    for (const auto& [resource, value] : soft) {
        rlimit limits{};
        if (getrlimit(static_cast<__rlimit_resource>(resource), &limits) != 0) continue;
        limits.rlim_cur = std::min<rlim_t>(value, limits.rlim_max);
        setrlimit(static_cast<__rlimit_resource>(resource), &limits); // what cannot be stays as it was
    }
}

void take_identity(const Identity& identity, int failure_fd) {
    if (setgroups(identity.groups.size(), identity.groups.data()) != 0 ||
        setresgid(identity.gid, identity.gid, identity.gid) != 0 ||
        setresuid(identity.uid, identity.uid, identity.uid) != 0)
        give_up(failure_fd, Failure::Stage::identity);
}

[[noreturn]] void become(const ChildSpec& spec, Prepared& prepared) {
    int failure_fd = above_standard(prepared.failure_fd);
    if (spec.death_signal) {
        prctl(PR_SET_PDEATHSIG, spec.death_signal);
        if (getppid() != prepared.parent) _exit(127); // it died before the call above
    }
    take_group(spec, failure_fd);
    take_streams(spec, prepared, failure_fd);
    take_limits(spec.soft_limits);
    if (spec.identity) take_identity(*spec.identity, failure_fd);
    if (!spec.cwd.empty() && chdir(spec.cwd.c_str()) != 0) give_up(failure_fd, Failure::Stage::directory);
    if (!spec.keep_descriptors) close_on_exec_from(3);
    reset_signals();
    execve(prepared.path.c_str(), prepared.argv.data(), prepared.env.data());
    // A script without #! runs in the shell, as execvp(3) has it.
    if (errno == ENOEXEC) execve(prepared.shell.c_str(), prepared.shell_argv.data(), prepared.env.data());
    give_up(failure_fd, Failure::Stage::exec);
}

tl::unexpected<Error> failed(const std::string& id, const std::string& thing, int error,
                             const std::string& next) {
    Finding finding{.id = id, .thing = thing, .seen = std::string("failed: ") + std::strerror(error)};
    finding.next = next;
    return fail(ErrorKind::bringup_failed, finding);
}

tl::unexpected<Error> explained(const Failure& failure, const ChildSpec& spec, const std::string& path) {
    switch (failure.stage) {
    case Failure::Stage::directory:
        return failed("cwd-missing", "entering the working directory " + spec.cwd, failure.error,
                      "give a directory that exists on every node");
    case Failure::Stage::identity:
        return failed("identity", "becoming another user to execute " + path, failure.error,
                      "only root can start a program as somebody else");
    case Failure::Stage::exec:
        return failed("exec-failed", "executing " + path, failure.error,
                      "look at its permissions and, for a script, at the program its first line names");
    default:
        return failed("exec-failed", "preparing to execute " + path, failure.error, "");
    }
}

bool is_program(const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
}

/// Of a path that is none.
Finding no_program(const std::string& path) {
    Finding finding{.id = "exec-not-found", .thing = path};
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        finding.seen =
            errno == ENOENT ? "is not there" : std::string("cannot be found: ") + std::strerror(errno);
    } else if (!S_ISREG(status.st_mode)) {
        finding.seen = S_ISDIR(status.st_mode) ? "is a folder" : "is no file";
        finding.expected = "a program";
    } else {
        finding.seen = "is not executable";
        finding.next =
            "if it is a program, chmod +x it; if another runs it, name that before it (python3, sh); source "
            "text is to be compiled";
    }
    return finding;
}

Result<Prepared> prepare(const ChildSpec& spec, std::vector<std::string>& argv,
                         std::vector<std::string>& shell_argv) {
    if (argv.empty()) return failed("exec-not-found", "an empty command", ENOENT, "give a program to run");
    Prepared prepared;
    prepared.path = argv[0];
    if (argv[0].find('/') == std::string::npos) {
        auto path = spec.env.find("PATH");
        auto found = find_program(argv[0], path == spec.env.end() ? "/usr/bin:/bin" : path->second);
        if (!found) return tl::unexpected(found.error());
        prepared.path = *found;
    }
    for (auto& [name, value] : spec.env) prepared.env_texts.push_back(name + "=" + value);
    shell_argv = argv;
    shell_argv[0] = prepared.path;
    shell_argv.insert(shell_argv.begin(), "sh");
    prepared.argv = pointers_to(argv);
    prepared.shell_argv = pointers_to(shell_argv);
    prepared.env = pointers_to(prepared.env_texts);
    return prepared;
}

UniqueFd open_pidfd(pid_t pid) {
    UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); // close-on-exec by definition
    return fd;
}

} // namespace

ChildStatus child_status_from(int wait_status) {
    if (WIFSIGNALED(wait_status)) return {ChildStatus::Kind::killed, WTERMSIG(wait_status)};
    return {ChildStatus::Kind::exited, WEXITSTATUS(wait_status)};
}

Result<std::string> find_program(const std::string& program, std::string_view path) {
    if (program.find('/') != std::string::npos) {
        if (is_program(program)) return program;
        return fail(ErrorKind::bringup_failed, no_program(program));
    }
    Finding finding{.id = "exec-not-found", .thing = program};
    for (std::string_view rest = path;;) {
        auto colon = rest.find(':');
        std::string folder(rest.substr(0, colon));
        auto candidate = (folder.empty() ? "." : folder) + "/" + program;
        if (is_program(candidate)) return candidate;
        if (colon == std::string_view::npos) break;
        rest.remove_prefix(colon + 1);
    }
    finding.seen = "is not on PATH";
    finding.expected = "in one of " + std::string(path);
    finding.next = "install it there or give its path";
    return fail(ErrorKind::bringup_failed, finding);
}

Result<Child> Child::start(const ChildSpec& spec) {
    auto argv = spec.argv;
    std::vector<std::string> shell_argv;
    auto prepared = prepare(spec, argv, shell_argv);
    if (!prepared) return tl::unexpected(prepared.error());

    int failure[2], input[2] = {-1, -1};
    if (pipe2(failure, O_CLOEXEC) != 0) return failed("fork-failed", "pipe2", errno, "");
    UniqueFd failure_read(failure[0]), failure_write(failure[1]);
    if (spec.input == ChildSpec::Input::pipe && pipe2(input, O_CLOEXEC) != 0)
        return failed("fork-failed", "pipe2", errno, "");
    UniqueFd child_input(spec.input == ChildSpec::Input::null ? open("/dev/null", O_RDONLY | O_CLOEXEC)
                                                              : input[0]);
    Child child;
    child.input_ = UniqueFd(input[1]);
    prepared->stdin_fd = spec.input == ChildSpec::Input::fd ? spec.stdin_fd : child_input.get();
    prepared->failure_fd = failure_write.get();

    child.pid_ = fork();
    if (child.pid_ < 0)
        return failed("fork-failed", "fork", errno, "look at the limit of processes (ulimit -u)");
    if (child.pid_ == 0) become(spec, *prepared);
    child.pidfd_ = open_pidfd(child.pid_);
    child.leads_group_ = spec.group != ChildSpec::Group::same;
    failure_write.reset();
    Failure told{};
    ssize_t got;
    while ((got = read(failure_read.get(), &told, sizeof told)) < 0 && errno == EINTR) {
    }
    if (got == sizeof told) {
        waitpid(child.pid_, nullptr, 0);
        return explained(told, spec, prepared->path);
    }
    return child;
}

std::optional<ChildStatus> Child::poll() {
    if (status_ || pid_ < 0) return status_;
    int word = 0;
    if (waitpid(pid_, &word, WNOHANG) == pid_) status_ = child_status_from(word);
    return status_;
}

std::optional<ChildStatus> Child::wait(double seconds) {
    auto deadline = Deadline::in(seconds);
    while (!poll() && !deadline.passed()) {
        if (pidfd_) {
            pollfd ready{pidfd_.get(), POLLIN, 0};
            ::poll(&ready, 1, deadline.left_ms());
        } else {
            ::poll(nullptr, 0, std::min(deadline.left_ms(), 5));
        }
    }
    return poll();
}

bool Child::signal(int number) const {
    if (status_ || pid_ < 0) return false;
    if (pidfd_) return syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0;
    return kill(pid_, number) == 0; // not reaped, so the number is still its own
}

bool Child::signal_group(int number) const {
    if (!leads_group_) return signal(number);
    return !status_ && pid_ > 0 && kill(-pid_, number) == 0; // once reaped, the number may be another's
}

Result<Captured> capture(ChildSpec spec, double seconds, std::size_t max_bytes) {
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) return failed("fork-failed", "pipe2", errno, "");
    UniqueFd reading(out[0]), writing(out[1]);
    spec.stdout_fd = writing.get();
    auto child = Child::start(spec);
    if (!child) return tl::unexpected(child.error());
    writing.reset();
    Captured captured;
    auto deadline = Deadline::in(seconds);
    char buffer[4096];
    while (!deadline.passed()) {
        pollfd ready[2] = {{reading.get(), POLLIN, 0}, {child->pidfd(), POLLIN, 0}};
        if (::poll(ready, 2, std::min(deadline.left_ms(), child->pidfd() < 0 ? 10 : 1000)) < 0 &&
            errno != EINTR)
            break;
        if (ready[0].revents) {
            auto got = read(reading.get(), buffer, sizeof buffer);
            if (got <= 0) break;
            auto wanted =
                std::min<std::size_t>(static_cast<std::size_t>(got), max_bytes - captured.out.size());
            captured.out.append(buffer, wanted);
        } else if (child->poll()) {
            break; // it ended and all it wrote is read; what it left behind may hold the pipe for ever
        }
    }
    captured.status = child->wait(deadline.left_s());
    if (!captured.status) {
        child->signal_group(SIGKILL);
        child->wait(1);
    }
    return captured;
}

} // namespace railhead
