#include "lint/checks.hpp"
#include "lint/options.hpp"

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

std::optional<StepLine> step_of(const ScriptLine& line) {
    auto at = std::find_if(line.words.begin(), line.words.end(),
                           [](auto& word) { return word == "srun" || word.ends_with("/srun"); });
    if (at == line.words.end()) return std::nullopt;
    auto end = std::find_if(++at, line.words.end(), is_operator);
    StepLine step{.in_background = end != line.words.end() && *end == "&"};
    for (; at != end && at->starts_with('-') && *at != "--"; ++at) {
        bool has_none = is_alone(*at) && *at != "--wait" && *at != "-W";
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
