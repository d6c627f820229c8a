#include "lint/sbatch_answer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace railhead {
namespace {

/// How sbatch says that it has no controller to ask, or cannot read where one is.
constexpr std::string_view unreachable[]{"Unable to contact slurm controller",
                                         "Socket timed out",
                                         "Communication connection failure",
                                         "Connection refused",
                                         "Zero Bytes were transmitted",
                                         "Transport endpoint is not connected",
                                         "Slurm backup controller in standby mode",
                                         "onfiguration source",
                                         "fetch_config",
                                         "resolve_ctls_from_dns_srv",
                                         "Unable to process configuration file",
                                         "unable to status file",

                                         "Unable to resolve",
                                         "Munge encode failed",
                                         "Protocol authentication error",
                                         "authentication plugin",
                                         "auth plugin"};

bool says_unreachable(std::string_view line) {
    return std::any_of(std::begin(unreachable), std::end(unreachable),
                       [&](auto mark) { return line.find(mark) != line.npos; });
}

constexpr std::string_view says = "says: ";

Finding slurm_says(std::string_view words, const std::string& script) {
    return {.id = "slurm", .where = script, .thing = "Slurm", .seen = fmt::format("{}{}", says, words)};
}

/// "railhead: warning: SENTENCE [ID]": the submit plugin's.
std::optional<Finding> plugin_says(std::string_view line, const std::string& script) {
    constexpr std::string_view warning = "warning: ";
    bool warns = line.starts_with(warning);
    if (warns) line.remove_prefix(warning.size());
    auto id = line.rfind(" [");
    if (id == line.npos || !line.ends_with(']')) return std::nullopt;
    return Finding{.id = std::string(line.substr(id + 2, line.size() - id - 3)),
                   .level = warns ? Level::warn : Level::fail,
                   .where = script,
                   .seen = std::string(line.substr(0, id))};
}

/// What a line says, without the name of the program in front; absent: it is about no problem.
std::optional<Finding> finding_in(std::string_view line, const std::string& script) {
    constexpr std::string_view plugin = "railhead: ";
    if (auto at = line.find(plugin); at != line.npos)
        return plugin_says(line.substr(at + plugin.size()), script);
    for (std::string_view mark : {"allocation failure: ", "sbatch: error: ", "sbatch: fatal: "})
        if (auto at = line.find(mark); at != line.npos)
            return slurm_says(line.substr(at + mark.size()), script);
    return std::nullopt;
}

/// Lines of sbatch that go on with the sentence of the one before.
bool goes_on(std::string_view words) {
    return words.starts_with("line must start with #!") || words.starts_with("For instance: #!") ||
           words.starts_with("instead of expected UNIX line breaks");
}

/// The first line with something in it, without the program's name.
std::string_view first_words(std::string_view said) {
    constexpr std::string_view name = "sbatch: ";
    auto begin = std::min(said.find_first_not_of(" \n"), said.size());
    auto line = said.substr(begin, said.substr(begin).find('\n'));
    return line.starts_with(name) ? line.substr(name.size()) : line;
}

} // namespace

SbatchAnswer sbatch_answer_from(std::string_view said, int exit_code, const std::string& script) {
    SbatchAnswer answer;
    auto& findings = answer.findings;
    for (auto rest = said; !rest.empty();) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (says_unreachable(line) && exit_code == 0) continue; // the next try was answered
        if (says_unreachable(line)) return {.not_asked = std::string(first_words(line))};
        auto finding = finding_in(line, script);
        if (!finding) continue;
        auto words = std::string_view(finding->seen).substr(std::min(says.size(), finding->seen.size()));
        if (finding->id == "slurm" && goes_on(words) && !findings.empty())
            findings.back().seen += fmt::format(" {}", words);
        else
            findings.push_back(std::move(*finding));
    }
    auto refuses = [](auto& finding) { return finding.level == Level::fail; };
    if (exit_code != 0 && std::none_of(findings.begin(), findings.end(), refuses)) {
        auto words = first_words(said);
        findings.push_back(slurm_says(
            words.empty() ? fmt::format("nothing, and sbatch exits with code {}", exit_code) : words,
            script));
    }
    // Beside the plugin's sentence Slurm's own says less.
    auto plugin_refuses = [](auto& finding) { return finding.id != "slurm" && finding.level == Level::fail; };
    if (std::any_of(findings.begin(), findings.end(), plugin_refuses))
        std::erase_if(findings, [](auto& finding) { return finding.id == "slurm"; });
    return answer;
}

} // namespace railhead
