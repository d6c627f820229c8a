#include "topology/planes.hpp"

#include "topology/sets.hpp"

#include <algorithm>
#include <map>

namespace railhead::topology {
namespace {

/// What most cables of hosts have on each fabric, by its root; tenths of Gbit/s.
std::vector<std::uint32_t> speeds_of(const Fabric& fabric, const Hosts& hosts,
                                     const std::vector<std::uint32_t>& root) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> cables; // root, speed -> cables
    for (const auto& port : hosts.ports)
        if (auto speed = fabric.links[port.link].rate.gbps_x10(); speed > 0)
            ++cables[{root[port.leaf], speed}];
    std::vector<std::uint32_t> speed(fabric.devices.size()), most(fabric.devices.size());
    for (const auto& [key, count] : cables)
        if (count >= most[key.first]) {
            most[key.first] = count;
            speed[key.first] = key.second;
        }
    return speed;
}

} // namespace

std::vector<bool> leaves_aside(const Fabric& fabric, const Hosts& hosts) {
    DisjointSets islands(fabric.devices.size());
    auto is_switch = [&](std::uint32_t device) {
        return fabric.devices[device].kind == DeviceKind::network_switch;
    };
    for (const auto& link : fabric.links)
        if (is_switch(link.a) && is_switch(link.b)) islands.join(link.a, link.b);
    std::vector<std::uint32_t> root(fabric.devices.size());
    for (std::uint32_t device = 0; device < root.size(); ++device) root[device] = islands.root(device);
    const auto speed = speeds_of(fabric, hosts, root);
    std::vector<std::uint32_t> on(fabric.devices.size()), also_on_faster(fabric.devices.size()); // hosts
    std::vector<std::uint32_t> its;
    for (const auto& host : hosts.hosts) {
        its.clear();
        for (auto i = host.first; i < host.first + host.count; ++i) its.push_back(root[hosts.ports[i].leaf]);
        std::sort(its.begin(), its.end());
        its.erase(std::unique(its.begin(), its.end()), its.end());
        std::uint32_t fastest = 0;
        for (auto island : its) fastest = std::max(fastest, speed[island]);
        for (auto island : its) {
            ++on[island];
            if (speed[island] > 0 && speed[island] < fastest) ++also_on_faster[island];
        }
    }
    std::vector<std::uint32_t> switches(fabric.devices.size()); // of one alone nothing tells what it is
    for (std::uint32_t device = 0; device < root.size(); ++device) ++switches[root[device]];
    std::vector<bool> aside(fabric.devices.size());
    for (std::uint32_t device = 0; device < aside.size(); ++device) {
        auto island = root[device];
        aside[device] = is_switch(device) && switches[island] > 1 && also_on_faster[island] * 2 > on[island];
    }
    return aside;
}

} // namespace railhead::topology
