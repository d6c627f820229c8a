#include "launcher/recipes/log_causes.hpp"

#include <fmt/core.h>

#include <array>
#include <optional>
#include <regex>

namespace railhead {
namespace {

constexpr std::size_t longest_line = 4000; // std::regex recurses once per character

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

} // namespace

std::string cause_in(const std::vector<std::string>& log, std::span<const LogCause> causes) {
    for (const auto& cause : causes) {
        const std::regex pattern(cause.pattern);
        for (auto line = log.rbegin(); line != log.rend(); ++line)
            if (auto text = meaning_in(line->substr(0, longest_line), pattern, cause.meaning)) return *text;
    }
    return {};
}

std::string nccl_failure(const std::vector<std::string>& log) {
    static constexpr std::array causes{
        LogCause{R"(Watchdog caught collective operation timeout: (?:WorkNCCL\((SeqNum=\d+, OpType=\w+))?)",
                 "a collective of NCCL did not end in time {1}: another rank never came to it or hangs"},
        LogCause{R"((nccl\w*Error: .+))", "{1}"},
        LogCause{R"(NCCL (?:failure|error):? *(.+))", "NCCL: {1}"},
    };
    return cause_in(log, causes);
}

std::string last_exception(const std::vector<std::string>& log) {
    // torch's own hook puts the rank before each line.
    static const std::regex exception(R"(^(?:\[rank\d+\]: )?((?:\w+\.)*\w+(?:Error|Exception|Exit): .+))");
    std::smatch match;
    for (auto line = log.rbegin(); line != log.rend(); ++line)
        if (line->size() < 2000 && std::regex_search(*line, match, exception))
            return match[1].str().substr(0, 300);
    return {};
}

} // namespace railhead
