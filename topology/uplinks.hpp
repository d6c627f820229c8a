#pragma once
#include "topology/cabling.hpp"

namespace railhead::topology {

/// What is wrong above the leaves: uplinks-uneven, switch-unplugged, oversubscribed. A leaf is compared with
/// all leaves of groups, a switch above them with those that join the same unit and with those of its level.
/// Where nothing is above leaves (a dragonfly, a torus), their cables to each other are, if all but few of
/// them have as many.
std::vector<CablingFinding> uplink_findings(const Fabric& fabric, const Hosts& hosts, const RailMap& map);

} // namespace railhead::topology
