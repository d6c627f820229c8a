#include "launcher/recipes/ray_causes.hpp"

#include "launcher/recipes/log_causes.hpp"

#include <array>
#include <span>

namespace railhead {

namespace {

// One by the out-of-memory killer that the job's cgroup shows is said before it comes to this.
constexpr auto killed =
    "{1} was killed by SIGKILL, and the job's cgroup shows no out-of-memory kill; see the "
    "node's kernel log (dmesg), and who sends signals there";

// The first that matches any line wins: causes stand before their consequences.
constexpr std::array ray_causes{
    LogCause{R"(No space left on device(?:: '?([^'\s]+))?)",
             "no space is left on the device {1}; free space there or give another directory with --tmp"},
    LogCause{R"(Too many open files)",
             "the limit of open files is too low; raise `ulimit -n` in the job script"},
    LogCause{R"(can't start new thread|Resource temporarily unavailable)",
             "the limit of processes and threads is too low; raise `ulimit -u` in the job script"},
    LogCause{
        R"(Failed to start the grpc server\. The specified port is (\d+))",
        "port {1} is in use on that node; leave the choice to Ray (no --ray-arg with a port) or give other "
        "--ports"},
    LogCause{R"(^(\w+)\.err: OSError: \[Errno 98\])",
             "a port of {1} is in use on that node; leave the choice to Ray or give other --ports"},
    LogCause{R"(Failed to bind to (\S+) because it's)",
             "{1} is in use on that node; give another --dashboard-port"},
    LogCause{R"(AF_UNIX path length cannot exceed 107 bytes: (\S+))",
             "the socket path {1} is longer than 107 bytes; give a shorter directory with --tmp"},
    LogCause{
        R"(cannot connect to the head at (\S+): (?:\[Errno -?\d+\] )?([^\[]*\w))",
        "it cannot connect to the head at {1} ({2}); see --interface, --subnet and firewalls between the "
        "nodes"},
    LogCause{
        R"(the head cannot connect to (\S+ at \S+): ([^\[]*\w))",
        "the head cannot connect to {1} ({2}); see --interface, --subnet and firewalls between the nodes"},
    LogCause{
        R"(Failed to connect to GCS at address (\S+) within)",
        "the head's GCS at {1} does not answer; see --interface, --subnet and firewalls between the nodes"},
    LogCause{R"(Attempting to start raylet with (\d+) GPU, but CUDA_VISIBLE_DEVICES contains (\[.*?\]))",
             "Ray was told of {1} GPUs, but CUDA_VISIBLE_DEVICES names {2}"},
    LogCause{R"(Error: (No such option[^.]*))", "ray start says: {1}; see --ray-arg"},
    LogCause{R"(Error: (Invalid value for [^.]*))", "ray start says: {1}; see --ray-arg"},
    LogCause{R"(Version mismatch)",
             "its Ray or Python differs from the head's; use one environment on all nodes"},
    LogCause{R"(InvalidAuthToken|AuthenticationError: ([^.]*))", "the token was refused or not found: {1}"},
    LogCause{R"(^(\w+)\.err: \w*(?:ModuleNotFoundError|ImportError): (.*))", "{1} cannot start: {2}"},
    LogCause{R"(^(?:ModuleNotFoundError|ImportError): (.*))", "Ray cannot be imported: {1}"},
    LogCause{R"(died: .*\b(gcs_server|raylet) \(exit code -9\))", killed},
    LogCause{R"(mistakenly been marked as dead by the GCS)",
             "the head's GCS called the node dead because it did not answer there; see --interface, --subnet "
             "and firewalls "
             "between the nodes, and whether the node stood still"},
    LogCause{R"(Error: (`[^`]+` should only be specified [^.]*))", "ray start says: {1}; see --ray-arg"},
    LogCause{R"(END (gcs_server|raylet)\.out tail \(exit code\(s\)=-9 )",
             killed}, // Ray was quicker than our watch
    LogCause{R"(died: (.*?) \[)", "{1} ended"},
};

} // namespace

std::string explain_ray(const Process& process, const std::vector<std::string>& log) {
    if (process.role != Role::service && process.role != Role::hook) return {};
    auto exception = last_exception(log);
    const std::span all(ray_causes);
    // What only says that something ended explains less than an exception does.
    if (auto cause = cause_in(log, exception.empty() ? all : all.first(all.size() - 1)); !cause.empty())
        return cause;
    return exception;
}

} // namespace railhead
