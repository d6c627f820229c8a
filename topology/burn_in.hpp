#pragma once
#include "topology/rail_map.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace railhead::topology {

/// Few pairs of nodes between which traffic on every rail crosses each cable of a node, and each cable from a
/// leaf upwards or to another leaf as far as routing spreads flows: each node is in one, and from each leaf
/// at least as many pairs lead to other groups as it has cables upwards (or as there are). Where nodes are
/// alike there are no fewer. They lead to other pods and zones where there are any, so that the cables
/// between spines, cores and tops carry as much as so few pairs can. What only some nodes have (a rail, more
/// cables upwards than nodes, leaves cabled to each other) makes these, and their partners, come more than
/// once. No pair spans fabrics that no cable joins.
std::vector<std::pair<std::string_view, std::string_view>>
burn_in_pairs(const Fabric& fabric, const Hosts& hosts, const RailMap& map);

} // namespace railhead::topology
