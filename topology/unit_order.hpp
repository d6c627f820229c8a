#pragma once
#include "topology/cabling.hpp"

namespace railhead::topology {

/// Nodes in another unit than their names tell (unit-odd).
///
/// The rule: among nodes that are named alike, each unit of three or more is where the node in its middle
/// is, and two units next to each other part where the fewest nodes are on the wrong side; of several such
/// places, where the units are most even. A node on the wrong side is odd, and so is one of elsewhere amid a
/// unit. Where more than one of eight is odd, names do not follow units. A node at the edge of its unit
/// that moves next door breaks no order, and nothing is said of it: units differ in size for other reasons.
/// `one_rail`: what a cable of a rail carries, in Gbit/s.
std::vector<CablingFinding> unit_findings(const Hosts& hosts, const RailMap& map, double one_rail);

} // namespace railhead::topology
