#pragma once
#include "topology/rail_map.hpp"

namespace railhead::topology {

/// Leaves of hosts and map the wanted ones and what they stand on: groups, units and planes without any are
/// gone, all others keep their names and their order. Rails are found among all hosts of a fabric, for a few
/// of them may show nothing: one node of each unit looks like a unit.
void keep_wanted(Hosts& hosts, RailMap& map);

} // namespace railhead::topology
