#include "lint/checks.hpp"
#include "lint/options.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace railhead {
bool is_operator(std::string_view word) {
    return word == "|" || word == "||" || word == "&" || word == "&&" || word == ";" || word == ";;" ||
           word == "(" || word == ")";
}

const ScriptOption* StepLine::option(std::string_view name) const {
    auto found =
        std::find_if(options.rbegin(), options.rend(), [&](auto& each) { return each.name == name; });
    return found == options.rend() ? nullptr : &*found;
}

namespace {

/// The first srun of the line that is started, and not only named; the end: none.
auto find_srun(const std::vector<std::string>& words) {
    for (auto begin = words.begin(); begin != words.end();) {
        auto end = std::find_if(begin, words.end(), is_operator);
        auto at =
            std::find_if(begin, end, [](auto& word) { return word == "srun" || word.ends_with("/srun"); });
        if (at != end && !prints({.words = {begin, end}})) return at;
        begin = end == words.end() ? end : end + 1;
    }
    return words.end();
}

/// "ARGS" of "$ARGS" and "${ARGS[@]}".
std::string_view variable_in(std::string_view word) {
    word.remove_prefix(std::min(word.find_first_not_of("${"), word.size()));
    return word.substr(0, word.find_first_of("}[:"));
}

/// Set nowhere, or to what a command or the caller says.
bool is_from_outside(const Script& script, std::string_view name) {
    bool is_set = false;
    for (const auto& line : script.lines)
        for (const auto& word : line.words) {
            if (!word.starts_with(name) || !word.substr(name.size()).starts_with('=')) continue;
            const auto value = assigned(word, name);
            if (value.starts_with('$') || value.starts_with('`')) return true;
            is_set = true;
        }
    return !is_set;
}

} // namespace

std::optional<StepLine> step_of(const ScriptLine& line) {
    auto at = find_srun(line.words);
    if (at == line.words.end()) return std::nullopt;
    auto end = std::find_if(++at, line.words.end(), is_operator);
    StepLine step{.in_background = end != line.words.end() && *end == "&"};
    for (; at != end && at->starts_with('-') && *at != "--"; ++at) {
        bool has_none = is_alone(*at) && *at != "--wait" && *at != "-W";
        std::vector<std::string> words{*at};
        bool long_value = at->starts_with("--") ? at->find('=') != at->npos : at->size() > 2;
        if (!has_none && !long_value && at + 1 != end) words.push_back(*++at);
        add_options(step.options, words, 0, 0);
    }
    if (at != end && *at == "--") ++at;
    auto other = std::find(at, end, ":");
    step.is_heterogeneous = other != end;
    step.program.assign(at, other);
    return step;
}

bool may_hold(const Script& script, const StepLine& step, const std::vector<std::string_view>& options) {
    auto has_any = [&](const ScriptLine& line) {
        return std::ranges::any_of(options, [&](auto option) {
            return option.size() > 2 ? line.text.find(option) != line.text.npos : mentions(line.text, option);
        });
    };
    for (auto word = step.program.begin(); word != step.program.end() && step.program.size() > 1; ++word) {
        if (!word->starts_with('$') && !word->starts_with('-')) return false;
        if (word->starts_with('-')) continue;
        const auto name = variable_in(*word);
        if (name.empty() || is_from_outside(script, name)) return true;
        if (std::ranges::any_of(script.lines, has_any)) return true;
    }
    return false;
}

std::string text_of(const StepLine& step) {
    return fmt::format("{}", fmt::join(step.program, " "));
}

} // namespace railhead
