#include "topology/rail_spread.hpp"

#include "topology/natural.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace railhead::topology {

Placed placed_on(const Hosts& hosts, const RailMap& map) {
    Placed placed;
    for (std::size_t i = 0; i < map.groups.size(); ++i) {
        const auto& group = map.groups[i];
        const auto& pods = map.tiers.front();
        placed.groups.push_back({group.name, pods.names[pods.of_group[i]], {}});
        for (auto host : group.hosts) placed.groups.back().nodes.emplace_back(hosts.hosts[host].name);
    }
    return placed;
}

std::vector<RailSpread> rail_spread(const Hosts& hosts, const RailMap& map,
                                    const std::vector<std::string>& nodes) {
    struct Seen {
        std::set<std::uint32_t> switches;
        std::set<std::string_view> nodes;
    };
    std::map<std::string_view, Seen, Natural> rails; // by device
    std::set<std::string_view, Natural> there;
    const std::set<std::string_view> wanted(nodes.begin(), nodes.end());
    std::set<std::uint32_t> shared(map.storage_leaves.begin(), map.storage_leaves.end());
    shared.insert(map.management_leaves.begin(), map.management_leaves.end());
    for (const auto& host : hosts.hosts) {
        if (!wanted.contains(host.name)) continue;
        there.insert(host.name);
        for (auto port = host.first; port < host.first + host.count; ++port) {
            const auto& at = hosts.ports[port];
            if (shared.contains(at.leaf)) continue;
            rails[at.device].switches.insert(at.leaf);
            rails[at.device].nodes.insert(host.name);
        }
    }
    std::vector<RailSpread> spread;
    for (const auto& [device, seen] : rails) {
        spread.push_back({std::string(device), seen.switches.size(), {}});
        if (seen.nodes.size() * 2 < there.size()) continue;
        for (auto node : there)
            if (!seen.nodes.contains(node)) spread.back().without.emplace_back(node);
    }
    return spread;
}

} // namespace railhead::topology
