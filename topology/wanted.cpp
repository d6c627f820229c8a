#include "topology/wanted.hpp"

#include <algorithm>
#include <set>

namespace railhead::topology {
namespace {

/// By old index the new one, `none` for what goes.
using Places = std::vector<std::uint32_t>;

template <class Keep>
Places places_of(std::size_t count, const Keep& keep) {
    Places places(count, none);
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < count; ++i)
        if (keep(i)) places[i] = next++;
    return places;
}

void move(std::vector<std::uint32_t>& indices, const Places& places) {
    for (auto& index : indices)
        if (index != none) index = places[index];
}

template <class T>
void thin(std::vector<T>& values, const Places& places) {
    std::vector<T> kept;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (places[i] != none) kept.push_back(std::move(values[i]));
    values = std::move(kept);
}

/// Each host's ports stay together, and in their order.
void thin_hosts(Hosts& hosts, const Places& place) {
    thin(hosts.hosts, place);
    std::erase_if(hosts.ports, [&](const HostPort& port) { return place[port.host] == none; });
    std::uint32_t next = 0;
    for (auto& host : hosts.hosts) next = (host.first = next) + host.count;
    for (auto& port : hosts.ports) port.host = place[port.host];
}

void thin_tier(Tier& tier, const Places& group_place) {
    std::set<std::uint32_t> left;
    for (std::size_t group = 0; group < tier.of_group.size(); ++group)
        if (group_place[group] != none) left.insert(tier.of_group[group]);
    auto place = places_of(tier.units, [&](std::uint32_t unit) { return left.contains(unit); });
    thin(tier.of_group, group_place);
    move(tier.of_group, place);
    thin(tier.names, place);
    if (!tier.joined_by.empty()) thin(tier.joined_by, place);
    tier.units = static_cast<std::uint32_t>(left.size());
}

/// How many of the hosts that are left are on each leaf.
void count_hosts(Grouping& grouping, const Hosts& hosts) {
    std::fill(grouping.hosts_on.begin(), grouping.hosts_on.end(), 0);
    std::vector<std::uint32_t> last(grouping.hosts_on.size(), none);
    for (const auto& port : hosts.ports)
        if (std::exchange(last[port.leaf], port.host) != port.host) ++grouping.hosts_on[port.leaf];
}

} // namespace

void keep_wanted(Hosts& hosts, RailMap& map) {
    auto is_wanted = [&](std::uint32_t host) { return hosts.hosts[host].wanted; };
    auto host_place = places_of(hosts.hosts.size(), is_wanted);
    if (std::find(host_place.begin(), host_place.end(), none) == host_place.end()) return;
    auto group_place = places_of(map.groups.size(), [&](std::uint32_t group) {
        const auto& its = map.groups[group].hosts;
        return std::any_of(its.begin(), its.end(), is_wanted);
    });
    thin(map.groups, group_place);
    for (auto& group : map.groups) {
        std::erase_if(group.hosts, [&](std::uint32_t host) { return !is_wanted(host); });
        move(group.hosts, host_place);
    }
    std::erase_if(map.loose_hosts, [&](std::uint32_t host) { return !is_wanted(host); });
    move(map.loose_hosts, host_place);
    for (auto& tier : map.tiers) thin_tier(tier, group_place);
    auto& grouping = map.grouping;
    thin(grouping.of_host, host_place);
    move(grouping.of_host, group_place);
    move(grouping.of_switch, group_place);
    grouping.groups = static_cast<std::uint32_t>(map.groups.size());
    thin_hosts(hosts, host_place);
    count_hosts(grouping, hosts);
    for (auto* leaves : {&map.storage_leaves, &map.management_leaves})
        std::erase_if(*leaves, [&](std::uint32_t leaf) { return grouping.hosts_on[leaf] == 0; });
}

} // namespace railhead::topology
