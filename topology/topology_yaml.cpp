#include "topology/topology_yaml.hpp"

#include "base/number.hpp"
#include "slurm/hostlist.hpp"
#include "topology/host_names.hpp"
#include "topology/line_reader.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace railhead::topology {
namespace {

constexpr std::size_t most_bytes = std::size_t{64} << 20;

std::uint32_t line_of(const YAML::Node& node) {
    return static_cast<std::uint32_t>(node.Mark().line + 1);
}

tl::unexpected<Error> wrong(std::uint32_t line, std::string seen, std::string expected) {
    return fail(ErrorKind::usage, {.id = "topology-yaml",
                                   .where = fmt::format("line {}", line),
                                   .thing = "what stands there",
                                   .seen = std::move(seen),
                                   .expected = std::move(expected)});
}

/// The text of a field; empty where there is none, or no text.
std::string text_in(const YAML::Node& node, const char* key) {
    auto value = node[key];
    return value && value.IsScalar() ? value.Scalar() : std::string();
}

/// As slurmctld's parser has it (26.05, tried): any word is yes that is not one of these.
bool is_yes(const std::string& text) {
    const auto word = in_lower_case(text);
    for (const char* no : {"", "~", "null", "n", "no", "f", "false", "off", "0"})
        if (word == no) return false;
    return true;
}

/// slurmctld's parser passes over keys that it does not know, a misspelt "nodes" for example (26.05, tried).
void note_unknown(const YAML::Node& map, const std::vector<std::string>& known, TopologyConf& conf) {
    for (const auto& each : map)
        if (const auto key = each.first.Scalar(); std::find(known.begin(), known.end(), key) == known.end())
            conf.findings.push_back({.id = "unknown-key",
                                     .level = Level::warn,
                                     .where = fmt::format("line {}", line_of(each.second)),
                                     .thing = key,
                                     .seen = "is nothing that Slurm knows there, and is passed over",
                                     .expected = fmt::format("{}", fmt::join(known, ", "))});
}

/// A list that must be there and have something in it; one member may stand without a list around it.
Result<std::vector<YAML::Node>> members_of(const YAML::Node& map, const char* key) {
    if (!map.IsMap()) return wrong(line_of(map), "is no map", fmt::format("{}: and a list", key));
    const auto list = map[key];
    if (list && list.IsMap() && list.size() > 0) return std::vector<YAML::Node>{list};
    if (!list || !list.IsSequence() || list.size() == 0)
        return wrong(line_of(list ? list : map), "has no list of what it joins",
                     fmt::format("{}: and a list", key));
    return std::vector<YAML::Node>(list.begin(), list.end());
}

Result<std::vector<std::string>> list_in(const YAML::Node& node, const char* key, TopologyConf& conf) {
    if (auto given = node[key]; given && !given.IsScalar())
        return wrong(line_of(given), fmt::format("is no {}", key), "a host list, as node[1-4]");
    auto listed = expand_hostlist(text_in(node, key), most_listed);
    if (!listed)
        return tl::unexpected(
            std::move(listed.error()).within(fmt::format("line {}: {}", line_of(node), key)));
    conf.listed += listed->size();
    if (conf.listed > most_listed)
        return wrong(line_of(node), "lists too many names",
                     fmt::format("at most {} in a topology", most_listed));
    return listed;
}

Result<void> read_switches(const YAML::Node& tree, TopologyConf& conf) {
    auto list = members_of(tree, "switches");
    if (!list) return tl::unexpected(list.error());
    note_unknown(tree, {"switches"}, conf);
    for (const auto& each : *list) {
        if (!each.IsMap() || text_in(each, "switch").empty())
            return wrong(line_of(each), "is no switch", "switch: NAME, with nodes or children");
        auto nodes = list_in(each, "nodes", conf);
        if (!nodes) return tl::unexpected(nodes.error());
        auto children = list_in(each, "children", conf);
        if (!children) return tl::unexpected(children.error());
        TopologyConf::Switch made;
        made.name = text_in(each, "switch");
        made.has_nodes = static_cast<bool>(each["nodes"]);
        made.has_switches = static_cast<bool>(each["children"]);
        made.nodes = std::move(*nodes);
        made.switches = std::move(*children);
        made.line = line_of(each);
        note_unknown(each, {"switch", "nodes", "children"}, conf);
        conf.switches.push_back(std::move(made));
    }
    return {};
}

Result<void> read_blocks(const YAML::Node& block, TopologyConf& conf) {
    auto list = members_of(block, "blocks");
    if (!list) return tl::unexpected(list.error());
    note_unknown(block, {"block_sizes", "blocks"}, conf);
    if (auto sizes = block["block_sizes"]; sizes && !sizes.IsSequence())
        return wrong(line_of(sizes), "is no list of sizes", "[4, 8]");
    for (const auto& size : block["block_sizes"]) {
        auto value = size.IsScalar() ? whole_number<std::uint32_t>(size.Scalar()).value_or(0) : 0;
        if (value == 0) return wrong(line_of(size), "is no size", "a number of nodes");
        conf.block_sizes.push_back(value);
        conf.block_sizes_line = line_of(size);
    }
    for (const auto& each : *list) {
        if (!each.IsMap() || text_in(each, "block").empty())
            return wrong(line_of(each), "is no block", "block: NAME, with nodes");
        auto nodes = list_in(each, "nodes", conf);
        if (!nodes) return tl::unexpected(nodes.error());
        note_unknown(each, {"block", "nodes"}, conf);
        conf.blocks.push_back({text_in(each, "block"), std::move(*nodes), line_of(each)});
    }
    return {};
}

Result<NamedTopology> read_one(const YAML::Node& node) {
    if (!node.IsMap() || text_in(node, "topology").empty())
        return wrong(line_of(node), "is no topology", "topology: NAME, with tree, block or flat");
    NamedTopology made;
    made.name = text_in(node, "topology");
    if (const auto told = node["cluster_default"]; told && (told.IsSequence() || told.IsMap()))
        return wrong(line_of(told), "is no cluster_default", "true or false");
    made.is_default = is_yes(text_in(node, "cluster_default"));
    made.line = line_of(node);
    const std::vector<std::string> kinds{"tree", "block", "flat", "ring", "torus3d"};
    const auto is_there = [&](const std::string& kind) { return static_cast<bool>(node[kind]); };
    if (const auto there = std::count_if(kinds.begin(), kinds.end(), is_there); there != 1)
        return wrong(made.line, fmt::format("has {} kinds of topology", there),
                     fmt::format("one of {}", fmt::join(kinds, ", ")));
    note_unknown(node, {"topology", "cluster_default", "tree", "block", "flat", "ring", "torus3d"},
                 made.conf);
    for (const char* plugin : {"ring", "torus3d"})
        if (node[plugin]) made.unread = plugin;
    Result<void> read;
    if (node["tree"]) read = read_switches(node["tree"], made.conf);
    if (node["block"]) read = read_blocks(node["block"], made.conf);
    if (!read) return tl::unexpected(read.error());
    return made;
}

} // namespace

bool is_topology_yaml(std::string_view text) {
    LineReader lines(text);
    for (std::string_view line; lines.next(line);) {
        auto words = trimmed(line);
        if (words.empty() || words.front() == '#') continue;
        return words.starts_with("---") || words.starts_with("- ") || words.front() == '[' ||
               words.front() == '{';
    }
    return false;
}

Result<std::vector<NamedTopology>> read_topology_yaml(std::string_view text) {
    if (text.size() > most_bytes) return wrong(1, "is larger than 64 MiB", "one file of topologies");
    try {
        auto root = YAML::Load(std::string(text));
        if (!root.IsSequence() || root.size() == 0)
            return wrong(1, "is no list of topologies", "- topology: NAME");
        std::vector<NamedTopology> found;
        for (const auto& each : root) {
            auto one = read_one(each);
            if (!one) return tl::unexpected(one.error());
            found.push_back(std::move(*one));
        }
        return found;
    } catch (const YAML::Exception& error) {
        return wrong(static_cast<std::uint32_t>(error.mark.line + 1), "is no YAML: " + error.msg,
                     "- topology: NAME");
    }
}

Result<TopologyConf> read_any_topology(std::string_view text) {
    if (!is_topology_yaml(text)) return read_topology_conf(text);
    auto all = read_topology_yaml(text);
    if (!all) return tl::unexpected(all.error());
    auto found = std::find_if(all->begin(), all->end(), [](auto& each) { return each.is_default; });
    return std::move(found == all->end() ? all->front() : *found).conf;
}

} // namespace railhead::topology
