#include "topology/unclear_planes.hpp"

#include "topology/natural.hpp"
#include "topology/planes.hpp"
#include "topology/switch_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace railhead::topology {
namespace {

constexpr std::uint32_t several = none - 1;

struct Inner {
    std::set<std::uint32_t> leaves;
    std::set<std::string_view, Natural> devices;
    std::size_t cables = 0;
};

/// By leaf: the group that all of its hosts are of, while most of the group's hosts are not on it;
/// `several` where they are of several; else `none`.
std::vector<std::uint32_t> groups_around(const Fabric& fabric, const Hosts& hosts, const RailMap& map) {
    std::vector<std::uint32_t> around(fabric.devices.size(), none);
    for (const auto& port : hosts.ports) {
        const auto group = map.grouping.of_host[port.host];
        around[port.leaf] = around[port.leaf] == none || around[port.leaf] == group ? group : several;
    }
    std::vector<bool> aside; // only where it matters, for it takes a while
    for (std::uint32_t leaf = 0; leaf < around.size(); ++leaf) {
        if (around[leaf] >= map.groups.size()) continue;
        const auto hosts_on = map.grouping.hosts_on[leaf];
        bool is_inner = map.grouping.is_leaf[leaf] && hosts_on > 1 &&
                        hosts_on * 2 <= map.groups[around[leaf]].hosts.size();
        if (is_inner && aside.empty()) aside = leaves_aside(fabric, hosts);
        is_inner = is_inner && !aside[leaf];
        if (!is_inner) around[leaf] = none;
    }
    return around;
}

Finding unclear(const LeafGroup& group, const Inner& inner, std::size_t nodes) {
    const auto devices = fmt::to_string(fmt::join(inner.devices, ","));
    const bool is_named = !inner.devices.contains("");
    return {.id = "plane-unclear",
            .level = Level::info,
            .where = group.name,
            .seen = fmt::format("holds {} nodes that are also on {} leaves of at most {} of them each{}, and "
                                "which of the two are the rails, cables do not tell",
                                group.hosts.size(), inner.leaves.size(), nodes,
                                is_named ? " (by " + devices + ")" : ""),
            .next = is_named ? fmt::format("give --plane {} if it is these, and the group storage", devices)
                             : "leave the others' cables out if it is these, and the group storage"};
}

} // namespace

std::vector<Finding> unclear_planes(const Fabric& fabric, const Hosts& hosts, const RailMap& map) {
    const auto around = groups_around(fabric, hosts, map);
    std::map<std::uint32_t, Inner> inner_of;            // by group
    std::vector<std::size_t> cables(map.groups.size()); // to its leaves and to inner ones
    std::set<std::string_view> elsewhere;               // devices that lead to leaves of several groups
    for (const auto& port : hosts.ports) {
        const auto group = map.grouping.of_host[port.host];
        if (group == none) continue;
        if (map.grouping.of_switch[port.leaf] == group || around[port.leaf] == group) ++cables[group];
        if (around[port.leaf] == several) elsewhere.insert(port.device);
        if (around[port.leaf] != group) continue;
        auto& inner = inner_of[group];
        inner.leaves.insert(port.leaf);
        inner.devices.insert(port.device);
        ++inner.cables;
    }
    std::vector<Finding> found;
    for (const auto& [group, inner] : inner_of) {
        auto is_elsewhere = [&](auto device) { return elsewhere.contains(device); };
        if (std::any_of(inner.devices.begin(), inner.devices.end(), is_elsewhere)) continue;
        if (!has_wanted(map.groups[group], hosts) || inner.leaves.size() < 2 ||
            inner.cables * 10 < cables[group] * 3)
            continue;
        std::size_t most = 0;
        for (auto leaf : inner.leaves) most = std::max<std::size_t>(most, map.grouping.hosts_on[leaf]);
        found.push_back(unclear(map.groups[group], inner, most));
    }
    return found;
}

} // namespace railhead::topology
