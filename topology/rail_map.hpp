#pragma once
#include "topology/grouping.hpp"
#include "topology/tiers.hpp"

#include <string>
#include <vector>

namespace railhead::topology {

/// The switches that one device of a group's hosts is cabled to.
struct Rail {
    std::string device;                  ///< "mlx5_0"; empty where the fabric does not name devices
    std::vector<std::uint32_t> switches; ///< indexes in Fabric::devices
};

/// Nodes that reach each other through one switch on every rail.
struct LeafGroup {
    std::string name;
    std::vector<std::uint32_t> hosts; ///< indexes in Hosts::hosts, ordered by name
    std::vector<Rail> rails;          ///< ordered by device
};

/// A host of it is one of the nodes that are wanted.
bool has_wanted(const LeafGroup& group, const Hosts& hosts);

/// What a fabric is to a scheduler.
struct RailMap {
    std::vector<LeafGroup> groups; ///< in rank order: unit after unit, in each by their middle node
    std::vector<Tier> tiers;       ///< from pods up; the last one's units are islands
    /// Leaves of several groups; indexes in Fabric::devices, ordered by name. Of management are those to
    /// which hosts have cables with an eighth of a rail's speed or less; where no speeds are told, all are of
    /// storage.
    std::vector<std::uint32_t> storage_leaves, management_leaves;
    std::vector<std::uint32_t> loose_hosts; ///< on no leaf
    Grouping grouping;                      ///< its numbers are those of `groups`
};

RailMap rail_map_of(const Fabric& fabric, const Hosts& hosts);

} // namespace railhead::topology
