// The groups of `railhead run` as they are typed.
#include "launcher/recipes/groups.hpp"

#include "base/number.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <regex>
#include <span>

namespace railhead {
namespace {

using Words = std::span<const std::string>;

tl::unexpected<Error> wrong_group(std::string thing, std::string seen, std::string expected = {},
                                  std::string next = {}) {
    return fail(ErrorKind::usage, {.id = "group",
                                   .thing = std::move(thing),
                                   .seen = std::move(seen),
                                   .expected = std::move(expected),
                                   .next = std::move(next)});
}

bool begins_group(const std::string& word) {
    return word == "--group" || word.starts_with("--group=");
}

Result<void> set_option(GroupOptions& options, const std::string& name, const std::string& value) {
    const bool again = name == "--group"   ? !options.group.empty()
                       : name == "--ready" ? !options.ready.empty()
                                           : options.per_node.has_value();
    if (again)
        return wrong_group(name, "is given twice for one group",
                           "two dashes and a command before the next group");
    if (value.empty()) return wrong_group(name, "has no value");
    if (name == "--group") options.group = value;
    if (name == "--ready") options.ready = value;
    if (name != "--per-node") return {};
    options.per_node = whole_number<int>(value);
    if (options.per_node.value_or(0) >= 1 && *options.per_node <= 4096) return {};
    return wrong_group("--per-node " + value, "is no number of ranks", "1 to 4096");
}

/// The options of a group, which are taken off `words` with the two dashes behind them.
Result<GroupOptions> options_from(Words& words) {
    GroupOptions options;
    for (; !words.empty() && words.front() != "--"; words = words.subspan(1)) {
        const auto& word = words.front();
        const auto equals = word.find('=');
        const auto name = word.substr(0, equals);
        if (name != "--group" && name != "--ready" && name != "--per-node")
            return wrong_group(fmt::format("\"{}\" after --group {}", word, options.group),
                               "is no option of a group",
                               "--ready, --per-node, or two dashes before the group's command");
        std::string value;
        if (equals != std::string::npos) {
            value = word.substr(equals + 1);
        } else if (words.size() > 1 && words[1] != "--") {
            words = words.subspan(1);
            value = words.front();
        }
        if (auto set = set_option(options, name, value); !set) return tl::unexpected(std::move(set.error()));
    }
    if (words.empty())
        return wrong_group("--group " + options.group, "has no command",
                           "two dashes and a command after its options",
                           "if --group is a word of the program before it, put that into a script");
    words = words.subspan(1);
    return options;
}

std::vector<std::string> command_from(Words& words) {
    auto end = std::ranges::find_if(words, begins_group);
    std::vector<std::string> command(words.begin(), end);
    words = words.subspan(command.size());
    return command;
}

bool is_port(std::string_view text) {
    return whole_number<std::uint16_t>(text).value_or(0) > 0;
}

/// What is wrong with it; empty: nothing.
std::string problem_of(const Gate& gate) {
    if (gate.kind == "file")
        return gate.arg.empty() ? "names no file" : gate.arg.ends_with('/') ? "names a folder" : "";
    if (gate.kind == "port") return is_port(gate.arg) ? "" : "names no port";
    if (gate.kind == "http") {
        if (!is_port(gate.arg.substr(0, gate.arg.find('/')))) return "names no port";
        auto visible = [](unsigned char each) { return each > ' ' && each < 127; };
        return std::ranges::all_of(gate.arg, visible) ? "" : "has a path with blanks or other than ASCII";
    }
    if (gate.kind != "line") return "is no gate";
    try {
        return gate.arg.empty() ? "names no line" : (std::regex(gate.arg), "");
    } catch (const std::regex_error&) {
        return "is no regular expression (ECMAScript)";
    }
}

Result<Gate> gate_from(const std::string& text) {
    const auto colon = text.find(':');
    Gate gate{.text = text,
              .kind = text.substr(0, colon),
              .arg = colon == std::string::npos ? "" : text.substr(colon + 1)};
    if (auto problem = problem_of(gate); !problem.empty())
        return wrong_group("--ready " + text, problem, "port:N, http:N/PATH, file:PATH or line:REGEX");
    return gate;
}

Result<RunGroup> group_from(const GroupOptions& options, std::vector<std::string> command) {
    const auto equals = options.group.find('=');
    RunGroup group{.name = options.group.substr(0, equals),
                   .nodes = equals == std::string::npos ? "" : options.group.substr(equals + 1),
                   .gate = {},
                   .per_node = options.per_node,
                   .command = std::move(command)};
    auto part = [](unsigned char each) { return std::isalnum(each) || each == '_' || each == '-'; };
    const bool named = !group.name.empty() && group.name.size() <= 32 &&
                       std::isalpha(static_cast<unsigned char>(group.name.front())) &&
                       std::ranges::all_of(group.name, part);
    if (!named || group.nodes.empty())
        return wrong_group(
            "--group " + options.group, named ? "names no nodes" : "has no name of its own",
            "NAME=NODES with a name of letters, digits, - and _, such as server=0 or train=1-3");
    if (group.command.empty() || group.command.front().empty())
        return wrong_group("--group " + options.group, "has no command", "one after its two dashes");
    if (options.ready.empty()) return group;
    auto gate = gate_from(options.ready);
    if (!gate) return tl::unexpected(std::move(gate.error()));
    group.gate = std::move(*gate);
    return group;
}

} // namespace

std::string variable_of_group(std::string_view name) {
    std::string variable;
    for (unsigned char each : name) variable += each == '-' ? '_' : static_cast<char>(std::toupper(each));
    return variable;
}

Result<std::vector<RunGroup>> groups_from(const GroupOptions& first, const std::vector<std::string>& words) {
    std::vector<RunGroup> groups;
    Words rest(words);
    for (Result<GroupOptions> options = first;; options = options_from(rest)) {
        if (!options) return tl::unexpected(std::move(options.error()));
        auto group = group_from(*options, command_from(rest));
        if (!group) return tl::unexpected(std::move(group.error()));
        auto same = [&](const RunGroup& other) {
            return variable_of_group(other.name) == variable_of_group(group->name);
        };
        if (auto other = std::ranges::find_if(groups, same); other != groups.end())
            return wrong_group("--group " + options->group,
                               fmt::format("has the name of another, {}", other->name),
                               "a name of its own, also in capitals and with _ for -");
        groups.push_back(std::move(*group));
        if (rest.empty()) return groups;
    }
}

} // namespace railhead
