#include "topology/burn_in.hpp"

#include <algorithm>

namespace railhead::topology {
namespace {

/// How often each node must be in a pair so that a leaf's nodes are as many as its cables upwards.
std::size_t rounds_for(const Fabric& fabric, const RailMap& map) {
    const auto& grouping = map.grouping;
    std::vector<std::size_t> up(fabric.devices.size());
    for (const auto& link : fabric.links)
        for (auto [leaf, other] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
            if (grouping.is_leaf[leaf] && !grouping.is_leaf[other] &&
                fabric.devices[other].kind == DeviceKind::network_switch)
                ++up[leaf];
    std::size_t rounds = 1;
    for (std::size_t leaf = 0; leaf < up.size(); ++leaf)
        if (grouping.is_leaf[leaf] && grouping.of_switch[leaf] != none)
            rounds = std::max(rounds, (up[leaf] + grouping.hosts_on[leaf] - 1) / grouping.hosts_on[leaf]);
    return rounds;
}

} // namespace

std::vector<std::pair<std::string_view, std::string_view>>
burn_in_pairs(const Fabric& fabric, const Hosts& hosts, const RailMap& map) {
    std::vector<std::string_view> nodes; // in rank order
    for (const auto& group : map.groups)
        for (auto host : group.hosts) nodes.push_back(hosts.hosts[host].name);
    std::vector<std::pair<std::string_view, std::string_view>> pairs;
    if (nodes.size() < 2) return pairs;
    auto half = (nodes.size() + 1) / 2;
    auto rounds = std::min(rounds_for(fabric, map), half);
    for (std::size_t round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < half; ++i) {
            // Each round turns the other half by one, so that no pair comes twice.
            const auto other = half + (i + round) % half;
            if (other < nodes.size())
                pairs.emplace_back(nodes[i], nodes[other]);
            else if (i > 0) // the odd one out; the first has met them all when it is that one itself
                pairs.emplace_back(nodes[i], nodes[0]);
        }
    return pairs;
}

} // namespace railhead::topology
