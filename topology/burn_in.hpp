#pragma once
#include "topology/rail_map.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace railhead::topology {

/// Pairs of nodes between which traffic on every rail crosses each cable of a node, and each cable from a
/// leaf upwards as far as routing spreads flows: from each leaf at least as many go up as it has cables
/// there. The smallest set: each node once, in two halves of the rank order, so that a pair is in one group
/// only where a group has more than half of the nodes; once more for each time that leaves have more cables
/// upwards than nodes.
std::vector<std::pair<std::string_view, std::string_view>>
burn_in_pairs(const Fabric& fabric, const Hosts& hosts, const RailMap& map);

} // namespace railhead::topology
