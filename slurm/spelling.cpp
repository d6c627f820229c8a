#include "slurm/spelling.hpp"

#include <algorithm>

namespace railhead {
namespace {

constexpr std::string_view blanks = " \t\r\n\"'";

/// The value that `words` give the option, exactly this one unless it is empty; absent: they do not.
std::optional<std::string_view> value_in(std::string_view words, std::string_view option,
                                         std::string_view value = {}) {
    for (auto at = words.find(option); at != std::string_view::npos; at = words.find(option, at + 1)) {
        auto rest = words.substr(at + option.size());
        bool begins = at == 0 || blanks.find(words[at - 1]) != std::string_view::npos;
        if (!begins || rest.empty() || (rest[0] != '=' && rest[0] != ' ')) continue;
        rest.remove_prefix(1);
        auto given = rest.substr(0, rest.find_first_of(blanks));
        if (value.empty() || given == value) return given;
    }
    return std::nullopt;
}

} // namespace

std::string_view script_header(std::string_view script) {
    std::size_t begin = 0;
    while (begin < script.size()) {
        auto first = script.find_first_not_of(" \t\r\n", begin);
        if (first == std::string_view::npos || script[first] != '#') break;
        begin = std::min(script.find('\n', first), script.size());
    }
    return script.substr(0, begin);
}

NodeOption option_of(std::string_view command_line, std::string_view header, std::string_view spelling) {
    auto named = [&](const char* option, std::string_view value) {
        return value_in(command_line, option, value) || value_in(header, option, value);
    };
    constexpr std::string_view prefix = "gres/gpu:";
    auto value = spelling.substr(std::min(prefix.size(), spelling.size()));
    bool gres = named("--gres", ""), gpus = named("--gpus-per-node", "");
    if (gres && gpus) return named("--gpus-per-node", value) ? NodeOption::gpus_per_node : NodeOption::gres;
    if (gres) return NodeOption::gres;
    return gpus ? NodeOption::gpus_per_node : NodeOption::untold;
}

std::optional<std::string_view> tres_per_task_in(std::string_view command_line, std::string_view header) {
    constexpr std::string_view option = "--tres-per-task";
    auto typed = value_in(command_line, option);
    return typed ? typed : value_in(header, option);
}

} // namespace railhead
