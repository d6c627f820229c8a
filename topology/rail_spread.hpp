#pragma once
#include "topology/placement.hpp"
#include "topology/rail_map.hpp"

namespace railhead::topology {

/// The groups of a fabric as score() and rank_order() take them; pods are the units of its lowest tier.
Placed placed_on(const Hosts& hosts, const RailMap& map);

/// Over which switches the nodes of a job reach each other on one rail. A rail that needs more switches than
/// the job has groups, or that a node is not on, makes collective operations over all rails as slow as it.
struct RailSpread {
    std::string device;               ///< "mlx5_0"; empty: adapters that the fabric does not name
    std::size_t switches = 0;         ///< leaf switches that the nodes are on
    std::vector<std::string> without; ///< nodes that are not on it, ordered by name
};

/// Ordered by device. Shared leaves (storage, management) and nodes that the fabric does not have count for
/// nothing; a rail counts as missing on a node where half of the nodes or more are on it.
std::vector<RailSpread> rail_spread(const Hosts& hosts, const RailMap& map,
                                    const std::vector<std::string>& nodes);

} // namespace railhead::topology
