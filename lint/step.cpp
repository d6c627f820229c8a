#include "lint/checks.hpp"

#include <algorithm>
#include <array>

namespace railhead {
namespace {

/// Options of srun without a value, or with one after "=" or the letter only.
constexpr std::array<std::string_view, 24> alone{"--exact",
                                                 "--overlap",
                                                 "--exclusive",
                                                 "--label",
                                                 "-l",
                                                 "--unbuffered",
                                                 "-u",
                                                 "--pty",
                                                 "--no-kill",
                                                 "-k",
                                                 "--overcommit",
                                                 "-O",
                                                 "--quiet",
                                                 "-Q",
                                                 "--verbose",
                                                 "-v",
                                                 "--oversubscribe",
                                                 "-s",
                                                 "--contiguous",
                                                 "--preserve-env",
                                                 "--no-allocate",
                                                 "-Z",
                                                 "-K",
                                                 "--kill-on-bad-exit"};

} // namespace

bool is_operator(std::string_view word) {
    return word == "|" || word == "||" || word == "&" || word == "&&" || word == ";" || word == ";;" ||
           word == "(" || word == ")";
}

const ScriptOption* StepLine::option(std::string_view name) const {
    auto found =
        std::find_if(options.rbegin(), options.rend(), [&](auto& each) { return each.name == name; });
    return found == options.rend() ? nullptr : &*found;
}

std::optional<StepLine> step_of(const ScriptLine& line) {
    auto at = std::find_if(line.words.begin(), line.words.end(),
                           [](auto& word) { return word == "srun" || word.ends_with("/srun"); });
    if (at == line.words.end()) return std::nullopt;
    auto end = std::find_if(++at, line.words.end(), is_operator);
    StepLine step{.in_background = end != line.words.end() && *end == "&"};
    for (; at != end && at->starts_with('-') && *at != "--"; ++at) {
        bool has_none = std::find(alone.begin(), alone.end(), *at) != alone.end();
        std::vector<std::string> words{*at};
        bool long_value = at->starts_with("--") ? at->find('=') != at->npos : at->size() > 2;
        if (!has_none && !long_value && at + 1 != end) words.push_back(*++at);
        for (auto& option : read_script("", "", words).options) step.options.push_back(std::move(option));
    }
    if (at != end && *at == "--") ++at;
    step.program.assign(at, end);
    return step;
}

} // namespace railhead
