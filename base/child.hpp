#pragma once
#include "base/error.hpp"
#include "base/fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// How a child ended.
struct ChildStatus {
    enum class Kind { exited, killed } kind = Kind::exited;
    int value = 0; ///< exit code, or signal number

    bool success() const { return kind == Kind::exited && value == 0; }
    bool operator==(const ChildStatus&) const = default;
};
/// From the status word of wait(2).
ChildStatus child_status_from(int wait_status);

/// Whom the child runs as; only root can choose.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; ///< supplementary; all others are dropped
};

/// What to start. Every descriptor of the caller but the three given here stays out of the child, whether it
/// was marked close-on-exec or not; signals are at their defaults and unblocked in it.
struct ChildSpec {
    enum class Input { null, pipe, fd };
    enum class Group { same, own_group, own_session };

    std::vector<std::string> argv;          ///< argv[0] is looked up on PATH of `env` when it holds no slash
    std::map<std::string, std::string> env; ///< whole environment of the child
    std::string cwd;                        ///< empty: the caller's
    Input input = Input::null;
    int stdin_fd = -1;  ///< with Input::fd; stays the caller's
    int stdout_fd = -1; ///< -1: the caller's own
    int stderr_fd = -1; ///< -1: the caller's own
    Group group = Group::own_group;
    bool controlling_terminal = false;        ///< with own_session: stdin becomes the controlling terminal
    std::optional<Identity> identity;         ///< absent: the caller's; a change of user drops death_signal
    std::map<int, std::uint64_t> soft_limits; ///< of RLIMIT_*; lowered to the hard one
    bool keep_descriptors = false;            ///< the child also gets the caller's that are not close-on-exec
    int death_signal = 0; ///< sent to the child when the calling thread ends (PR_SET_PDEATHSIG); 0: none
};

/// The one place that starts children. A Child that is destroyed is neither killed nor reaped.
/// Call from a single-threaded process, or at least from the thread that lives as long as the child when
/// `death_signal` is used.
class Child {
  public:
    /// Returns when the program is executed. Error (bringup_failed) otherwise: "exec-not-found",
    /// "exec-failed", "cwd-missing", "fork-failed", with the reason of the system call.
    static Result<Child> start(const ChildSpec& spec);

    pid_t pid() const { return pid_; }
    /// Readable once the child has ended; -1 on kernels before 5.3.
    int pidfd() const { return pidfd_.get(); }
    /// The writing end of its standard input with Input::pipe.
    UniqueFd& input() { return input_; }

    /// Reaps the child if it has ended; the status is kept for later calls.
    std::optional<ChildStatus> poll();
    /// Waits at most `seconds`.
    std::optional<ChildStatus> wait(double seconds);
    /// Sends a signal to the child only, or to its group if it has one. False when it is gone.
    bool signal(int number) const;
    bool signal_group(int number) const;
    /// The caller reaped the child by itself (a subreaper that waits for any process).
    void reaped(ChildStatus status) { status_ = status; }

  private:
    pid_t pid_ = -1;
    bool leads_group_ = false;
    UniqueFd pidfd_;
    UniqueFd input_;
    std::optional<ChildStatus> status_;
};

/// What a short helper program printed.
struct Captured {
    std::string out;                   ///< standard output, at most `max_bytes`; the rest is read and dropped
    std::optional<ChildStatus> status; ///< absent: it did not end within the bound and was killed
};
/// Runs `spec` with standard output captured. Its standard error goes where spec says. The whole group of
/// the child is killed when `seconds` have passed. Blocks.
Result<Captured> capture(ChildSpec spec, double seconds, std::size_t max_bytes = 64 * 1024);

/// The file that execvp would run for `program` with this PATH; error (bringup_failed) names the PATH.
Result<std::string> find_program(const std::string& program, std::string_view path);

} // namespace railhead
