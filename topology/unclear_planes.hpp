#pragma once
#include "topology/rail_map.hpp"

namespace railhead::topology {

/// plane-unclear: the nodes of a group are also on several leaves that other hosts are not on, by a third of
/// their cables or more. The group has the most cables, so it holds; but storage that all nodes have two
/// cables to looks the same as two rails with another switch in each rack.
std::vector<Finding> unclear_planes(const Fabric& fabric, const Hosts& hosts, const RailMap& map);

} // namespace railhead::topology
