#include "launcher/recipes/ray_causes.hpp"

#include <fmt/core.h>

#include <array>
#include <optional>
#include <regex>
#include <string_view>

namespace railhead {

namespace {

/// A pattern and what it means; {1}, {2} in `meaning` stand for the groups.
struct Cause {
    const char* pattern;
    const char* meaning;
};

// One by the out-of-memory killer that the job's cgroup shows is said before it comes to this.
constexpr auto killed =
    "{1} was killed by SIGKILL, and the job's cgroup shows no out-of-memory kill; see the "
    "node's kernel log (dmesg), and who sends signals there";

// The first that matches any line wins: causes stand before their consequences.
constexpr std::array causes{
    Cause{R"(No space left on device(?:: '?([^'\s]+))?)",
          "no space is left on the device {1}; free space there or give another directory with --tmp"},
    Cause{R"(Too many open files)",
          "the limit of open files is too low; raise `ulimit -n` in the job script"},
    Cause{R"(can't start new thread|Resource temporarily unavailable)",
          "the limit of processes and threads is too low; raise `ulimit -u` in the job script"},
    Cause{R"(Failed to start the grpc server\. The specified port is (\d+))",
          "port {1} is in use on that node; leave the choice to Ray (no --ray-arg with a port) or give other "
          "--ports"},
    Cause{R"(^(\w+)\.err: OSError: \[Errno 98\])",
          "a port of {1} is in use on that node; leave the choice to Ray or give other --ports"},
    Cause{R"(Failed to bind to (\S+) because it's)",
          "{1} is in use on that node; give another --dashboard-port"},
    Cause{R"(AF_UNIX path length cannot exceed 107 bytes: (\S+))",
          "the socket path {1} is longer than 107 bytes; give a shorter directory with --tmp"},
    Cause{R"(cannot connect to the head at (\S+): (?:\[Errno -?\d+\] )?([^\[]*\w))",
          "it cannot connect to the head at {1} ({2}); see --interface, --subnet and firewalls between the "
          "nodes"},
    Cause{R"(the head cannot connect to (\S+ at \S+): ([^\[]*\w))",
          "the head cannot connect to {1} ({2}); see --interface, --subnet and firewalls between the nodes"},
    Cause{R"(Failed to connect to GCS at address (\S+) within)",
          "the head's GCS at {1} does not answer; see --interface, --subnet and firewalls between the nodes"},
    Cause{R"(Attempting to start raylet with (\d+) GPU, but CUDA_VISIBLE_DEVICES contains (\[.*?\]))",
          "Ray was told of {1} GPUs, but CUDA_VISIBLE_DEVICES names {2}"},
    Cause{R"(Error: (No such option[^.]*))", "ray start says: {1}; see --ray-arg"},
    Cause{R"(Error: (Invalid value for [^.]*))", "ray start says: {1}; see --ray-arg"},
    Cause{R"(Version mismatch)",
          "its Ray or Python differs from the head's; use one environment on all nodes"},
    Cause{R"(InvalidAuthToken|AuthenticationError: ([^.]*))", "the token was refused or not found: {1}"},
    Cause{R"(^(\w+)\.err: \w*(?:ModuleNotFoundError|ImportError): (.*))", "{1} cannot start: {2}"},
    Cause{R"(^(?:ModuleNotFoundError|ImportError): (.*))", "Ray cannot be imported: {1}"},
    Cause{R"(died: .*\b(gcs_server|raylet) \(exit code -9\))", killed},
    Cause{R"(mistakenly been marked as dead by the GCS)",
          "the head's GCS called the node dead because it did not answer there; see --interface, --subnet "
          "and firewalls "
          "between the nodes, and whether the node stood still"},
    Cause{R"(Error: (`[^`]+` should only be specified [^.]*))", "ray start says: {1}; see --ray-arg"},
    Cause{R"(END (gcs_server|raylet)\.out tail \(exit code\(s\)=-9 )",
          killed}, // Ray was quicker than our watch
    Cause{R"(died: (.*?) \[)", "{1} ended"},
};

std::optional<std::string> meaning_in(const std::string& line, const std::regex& pattern,
                                      const char* meaning) {
    std::smatch match;
    if (!std::regex_search(line, match, pattern)) return std::nullopt;
    std::string text = meaning;
    for (std::size_t group = 1; group < 3; ++group) {
        const auto mark = fmt::format("{{{}}}", group);
        const auto value = group < match.size() ? match[group].str() : std::string();
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
            const bool gap = value.empty() && at > 0 && text[at - 1] == ' ';
            text.replace(gap ? at - 1 : at, mark.size() + (gap ? 1 : 0), value);
        }
    }
    if (text.ends_with(':')) text.pop_back();
    return text;
}

/// The last line that reads like the end of a Python traceback.
std::string last_exception(const std::vector<std::string>& log) {
    static const std::regex exception(R"(^(?:\w+\.)*\w+(?:Error|Exception|Exit): .+)");
    for (auto line = log.rbegin(); line != log.rend(); ++line)
        if (line->size() < 2000 && std::regex_search(*line, exception)) return line->substr(0, 300);
    return {};
}

} // namespace

std::string explain_ray(const Process& process, const std::vector<std::string>& log) {
    if (process.role != Role::service && process.role != Role::hook) return {};
    constexpr std::size_t longest_line = 4000; // std::regex recurses once per character
    const bool found_own_exception = !last_exception(log).empty();
    for (const auto& cause : causes) {
        const bool vague = std::string_view(cause.meaning) == "{1} ended";
        if (vague && found_own_exception) continue;
        const std::regex pattern(cause.pattern);
        for (auto line = log.rbegin(); line != log.rend(); ++line)
            if (auto text = meaning_in(line->substr(0, longest_line), pattern, cause.meaning)) return *text;
    }
    return last_exception(log);
}

} // namespace railhead
