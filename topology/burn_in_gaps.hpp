#pragma once
#include "topology/rail_map.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace railhead::topology {

using HostPair = std::pair<std::uint32_t, std::uint32_t>; ///< indexes in Hosts::hosts

/// What must be added to `pairs` where nodes are not alike or leaves are cabled to each other. Traffic of a
/// pair is on the devices that both have, where cables join their leaves. So that it crosses every cable:
/// as many pairs between two leaves as cables join them, as many flows from a leaf to other groups as it has
/// cables upwards, and for each cable of a node a partner with the same device; each as far as there are
/// nodes.
std::vector<HostPair> burn_in_gaps(const Fabric& fabric, const Hosts& hosts, const RailMap& map,
                                   const std::vector<HostPair>& pairs);

} // namespace railhead::topology
