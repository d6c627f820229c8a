#include "topology/cabling.hpp"

#include "topology/cabling_groups.hpp"
#include "topology/cabling_hosts.hpp"
#include "topology/cabling_links.hpp"
#include "topology/natural.hpp"
#include "topology/uplinks.hpp"

#include <algorithm>
#include <compare>
#include <iterator>
#include <utility>

namespace railhead::topology {
namespace {

/// Of one cost in the order of their names, which no order of the source changes.
bool is_dearer(const CablingFinding& one, const CablingFinding& other) {
    if (one.cost_gbps != other.cost_gbps) return one.cost_gbps > other.cost_gbps;
    const auto &left = one.finding, &right = other.finding;
    if (auto order = left.id <=> right.id; std::is_neq(order)) return std::is_lt(order);
    for (auto part : {&Finding::where, &Finding::thing, &Finding::seen})
        if (auto order = natural_order(left.*part, right.*part); std::is_neq(order)) return std::is_lt(order);
    return false;
}

} // namespace

std::vector<CablingFinding> cabling_findings(const Fabric& fabric, const Hosts& hosts, const RailMap& map) {
    const LinkRates rates(fabric, hosts, map);
    auto all = group_findings(hosts, map, rates.one_rail());
    for (auto some : {host_findings(fabric, hosts, map, rates.one_rail()), rates.findings(),
                      uplink_findings(fabric, hosts, map)})
        std::move(some.begin(), some.end(), std::back_inserter(all));
    std::sort(all.begin(), all.end(), is_dearer);
    return all;
}

} // namespace railhead::topology
