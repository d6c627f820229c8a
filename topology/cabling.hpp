#pragma once
#include "topology/rail_map.hpp"

#include <vector>

namespace railhead::topology {

/// What is wrong with a cable, an adapter or a switch, and the Gbit/s that it costs as far as the fabric
/// says.
struct CablingFinding {
    Finding finding;
    double cost_gbps = 0;
};

/// Against what most of the group, and most links of the same kind, have; the dearest first. Told of wanted
/// hosts, their groups, and what joins groups. Ids:
/// rail-missing, rail-swapped, foreign-cable, leaf-missing, unit-odd, host-on-spine, host-unplugged,
/// link-slow, link-narrow, link-loop, uplinks-uneven, switch-unplugged, oversubscribed.
std::vector<CablingFinding> cabling_findings(const Fabric& fabric, const Hosts& hosts, const RailMap& map);

} // namespace railhead::topology
