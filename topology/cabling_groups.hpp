#pragma once
#include "topology/cabling.hpp"

namespace railhead::topology {

/// What is wrong with groups as wholes, or with which of them a node is in: leaf-missing, rail-missing (of
/// more than half of a group), unit-odd. `one_rail`: what a cable of a rail carries, in Gbit/s; 0: unknown.
std::vector<CablingFinding> group_findings(const Hosts& hosts, const RailMap& map, double one_rail);

} // namespace railhead::topology
