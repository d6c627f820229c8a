#pragma once
#include "topology/cabling.hpp"

namespace railhead::topology {

/// What is wrong with a host's own cables, against its group's: rail-missing, rail-swapped, foreign-cable,
/// host-on-spine, host-unplugged. `one_rail`: what a cable of a rail carries, in Gbit/s; 0: unknown.
std::vector<CablingFinding> host_findings(const Fabric& fabric, const Hosts& hosts, const RailMap& map,
                                          double one_rail);

} // namespace railhead::topology
