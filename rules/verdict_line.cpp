#include "rules/verdict_line.hpp"

#include "base/number.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

constexpr std::string_view plugin = "job_submit/railhead: rule=";

/// Takes what stands before `mark` off the text, and the mark; absent: there is none.
std::optional<std::string_view> take(std::string_view& text, std::string_view mark) {
    auto at = text.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    auto taken = text.substr(0, at);
    text.remove_prefix(at + mark.size());
    return taken;
}

} // namespace

std::string verdict_line(const Finding& verdict, const JobRequest& job, std::uint32_t uid) {
    std::string partitions;
    for (const auto& name : job.partitions) partitions += (partitions.empty() ? "" : ",") + name;
    auto line = fmt::format("rule={} verdict={} user={} partition={}: {}", verdict.id,
                            verdict.level == Level::fail ? "refuse" : "warn", uid,
                            partitions.empty() ? "(default)" : partitions, sentence(verdict));
    // A GRES type is the user's text, and the log is the administrator's.
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
    return line;
}

std::optional<Verdict> verdict_in(std::string_view line) {
    if (!take(line, plugin)) return std::nullopt;
    auto rule = take(line, " verdict=");
    auto word = rule ? take(line, " user=") : std::nullopt;
    auto user = word ? take(line, " partition=") : std::nullopt;
    auto partition = user ? take(line, ": ") : std::nullopt;
    if (!partition || (*word != "refuse" && *word != "warn")) return std::nullopt;
    auto number = whole_number<decltype(Verdict::user)>(*user);
    if (!number) return std::nullopt;
    return Verdict{std::string(*rule), *word == "refuse", *number, std::string(*partition)};
}

} // namespace railhead
