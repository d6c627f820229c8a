#include "topology/switch_tree.hpp"

#include "slurm/hostlist.hpp"
#include "topology/natural.hpp"
#include "topology/switch_names.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <unordered_set>

namespace railhead::topology {
namespace {

class TreeMaker {
  public:
    TreeMaker(const Hosts& hosts, const RailMap& map, const TreeOptions& options)
        : hosts_(hosts), map_(map), options_(options) {}

    std::vector<SwitchLine> tree() {
        std::vector<std::uint32_t> unit_of(map_.groups.size()); // what stands for each group so far
        std::vector<std::string> heads;
        for (std::uint32_t i = 0; i < map_.groups.size(); ++i) {
            unit_of[i] = i;
            add_leaf(map_.groups[i]);
            heads.push_back(map_.groups[i].name);
        }
        for (const auto& tier : map_.tiers) heads = join(tier, heads, unit_of);
        const bool is_split = options_.separate_fabrics && heads.size() > 1;
        for (auto& [name, nodes] : loose_leaves()) {
            heads.push_back(unused(name));
            tree_.push_back({.name = heads.back(), .nodes = std::move(nodes), .switches = {}});
        }
        if (heads.size() > 1 && !is_split)
            tree_.push_back({.name = unused("root"), .nodes = {}, .switches = std::move(heads)});
        return std::move(tree_);
    }

  private:
    void add_leaf(const LeafGroup& group) {
        SwitchLine line{.name = group.name, .nodes = {}, .switches = {}};
        for (auto host : group.hosts) line.nodes.emplace_back(hosts_.hosts[host].name);
        tree_.push_back(std::move(line));
    }

    std::vector<std::string> join(const Tier& tier, const std::vector<std::string>& heads,
                                  std::vector<std::uint32_t>& unit_of) {
        std::vector<SwitchLine> units(tier.units);
        std::vector<bool> is_taken(heads.size());
        for (std::size_t group = 0; group < unit_of.size(); ++group) {
            auto& unit = units[tier.of_group[group]];
            if (!is_taken[unit_of[group]]) unit.switches.push_back(heads[unit_of[group]]);
            is_taken[unit_of[group]] = true;
            unit_of[group] = tier.of_group[group];
        }
        std::vector<std::string> joined;
        for (std::size_t i = 0; i < units.size(); ++i) {
            if (units[i].switches.size() == 1) {
                joined.push_back(units[i].switches.front());
                continue;
            }
            units[i].name = tier.names[i];
            joined.push_back(tier.names[i]);
            tree_.push_back(std::move(units[i]));
        }
        return joined;
    }

    std::vector<std::string> loose_nodes() const {
        std::unordered_set<std::string_view> placed;
        std::vector<std::string> loose;
        for (const auto& group : map_.groups)
            for (auto host : group.hosts) placed.insert(hosts_.hosts[host].name);
        for (const auto& node : options_.nodes)
            if (placed.insert(node).second) loose.push_back(node);
        if (options_.nodes.empty())
            for (auto host : map_.loose_hosts) loose.emplace_back(hosts_.hosts[host].name);
        std::sort(loose.begin(), loose.end(), Natural());
        return loose;
    }

    /// Nodes that no group holds, by the name of their leaf: those with cables are on spines.
    std::map<std::string, std::vector<std::string>> loose_leaves() const {
        std::map<std::string, std::vector<std::string>> leaves;
        std::unordered_set<std::string_view> cabled;
        for (auto host : map_.loose_hosts)
            if (hosts_.hosts[host].count > 0) cabled.insert(hosts_.hosts[host].name);
        for (auto& node : loose_nodes()) {
            const auto partition = options_.partition_of.find(node);
            std::string name = cabled.contains(node) ? "on-spine" : "unplugged";
            if (partition != options_.partition_of.end()) name.append("-").append(partition->second);
            leaves[fitting_name(std::move(name))].push_back(std::move(node));
        }
        return leaves;
    }

    std::string unused(const std::string& wanted) const {
        auto name = wanted;
        auto is_used = [&] {
            return std::any_of(tree_.begin(), tree_.end(), [&](auto& line) { return line.name == name; });
        };
        for (int i = 2; is_used(); ++i) name = numbered_name(wanted, i);
        return name;
    }

    const Hosts& hosts_;
    const RailMap& map_;
    const TreeOptions& options_;
    std::vector<SwitchLine> tree_;
};

} // namespace

std::vector<SwitchLine> switch_tree_of(const Hosts& hosts, const RailMap& map, const TreeOptions& options) {
    return TreeMaker(hosts, map, options).tree();
}

std::string topology_conf(const std::vector<SwitchLine>& tree) {
    std::string text;
    for (const auto& line : tree)
        if (line.switches.empty())
            text += fmt::format("SwitchName={} Nodes={}\n", line.name, compress_hostlist(line.nodes));
        else
            text += fmt::format("SwitchName={} Switches={}\n", line.name, compress_hostlist(line.switches));
    return text;
}

std::string topology_yaml(const std::vector<SwitchLine>& tree, const std::string& name, bool is_default) {
    auto text =
        fmt::format("- topology: {}\n  cluster_default: {}\n  tree:\n    switches:\n", name, is_default);
    for (const auto& line : tree)
        if (line.switches.empty())
            text += fmt::format("      - switch: {}\n        nodes: {}\n", line.name,
                                compress_hostlist(line.nodes));
        else
            text += fmt::format("      - switch: {}\n        children: {}\n", line.name,
                                compress_hostlist(line.switches));
    return text;
}

} // namespace railhead::topology
