#include "topology/other_hosts.hpp"

#include "slurm/hostlist.hpp"
#include "topology/leaf_switches.hpp"
#include "topology/natural.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace railhead::topology {
namespace {

constexpr std::size_t most_others = 2; ///< one of so many hosts of all
constexpr std::size_t most_named = 20;
constexpr std::size_t most_of_group = 4; ///< one of so many of a group, which has cables to its leaves

/// By host: cables to leaves of groups.
std::vector<std::uint32_t> cables_to_groups(const Hosts& hosts, const RailMap& map) {
    std::vector<std::uint32_t> cables(hosts.hosts.size());
    for (const auto& port : hosts.ports)
        if (map.grouping.of_switch[port.leaf] != none) ++cables[port.host];
    return cables;
}

/// Of so many, only those with fewer than half of a node's cables are others: nobody can tell from cables
/// whether the rest are servers.
void keep_doubtful(Hosts& hosts, std::vector<std::uint32_t> usual, std::vector<bool>& is_other) {
    std::sort(usual.begin(), usual.end());
    const auto of_node = usual.empty() ? 0 : usual[usual.size() / 2];
    std::vector<std::string> doubtful;
    for (std::size_t host = 0; host < is_other.size(); ++host) {
        if (!is_other[host] || hosts.hosts[host].count * 2 < of_node) continue;
        is_other[host] = false;
        doubtful.emplace_back(hosts.hosts[host].name);
    }
    if (doubtful.empty() || usual.empty()) return;
    const bool is_one = doubtful.size() == 1;
    hosts.findings.push_back(
        {.id = "host-doubtful",
         .level = Level::warn,
         .thing = fmt::format("{} host{} ({})", doubtful.size(), is_one ? "" : "s",
                              compress_hostlist(doubtful, most_named)),
         .seen = fmt::format("{} leaves of several groups only, as storage servers have and nodes may "
                             "have, and {} taken for {}",
                             is_one ? "has cables to" : "have cables to", is_one ? "is" : "are",
                             is_one ? "a node" : "nodes"),
         .next = "give --nodes, which says what nodes are"});
}

} // namespace

void mark_others(Hosts& hosts, const RailMap& map) {
    const auto cables = cables_to_groups(hosts, map);
    std::vector<bool> is_other(cables.size());
    for (std::size_t host = 0; host < cables.size(); ++host)
        is_other[host] = hosts.hosts[host].count > 0 && cables[host] == 0;
    for (const auto& group : map.groups) {
        std::vector<std::uint32_t> sorted, fewer;
        for (auto host : group.hosts) sorted.push_back(cables[host]);
        std::sort(sorted.begin(), sorted.end());
        const auto usual = sorted[sorted.size() / 2];
        for (auto host : group.hosts)
            if (cables[host] * 2 < usual) fewer.push_back(host);
        const auto all = group.hosts.size();
        if (fewer.size() * most_of_group <= all || are_few(fewer.size(), all))
            for (auto host : fewer) is_other[host] = true;
    }
    std::set<std::string_view> of_compute;
    std::vector<std::uint32_t> usual; // cables of a node, of any plane
    for (std::size_t host = 0; host < cables.size(); ++host) {
        if (is_other[host] || cables[host] == 0) continue;
        of_compute.insert(name_stem(hosts.hosts[host].name));
        usual.push_back(hosts.hosts[host].count);
    }
    std::size_t others = 0;
    for (std::size_t host = 0; host < cables.size(); ++host) {
        is_other[host] = is_other[host] && !of_compute.contains(name_stem(hosts.hosts[host].name));
        others += is_other[host] ? 1 : 0;
    }
    if (others * most_others > cables.size()) keep_doubtful(hosts, std::move(usual), is_other);
    for (std::size_t host = 0; host < cables.size(); ++host) hosts.hosts[host].is_other = is_other[host];
}

} // namespace railhead::topology
