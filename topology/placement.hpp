#pragma once
#include "topology/topology_conf.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace railhead::topology {

/// Leaf groups in rank order with their nodes, and the unit above each: from a fabric or from a topology
/// file.
struct Placed {
    struct Group {
        std::string name, pod;
        std::vector<std::string> nodes;
    };
    std::vector<Group> groups;
};

/// Of a topology file: each group with the switch right above it. What stands below one switch stands
/// together, by the first line of each, however the file's lines are mixed.
Placed placed_in(const TopologyConf& conf);

/// How close the nodes of a job are.
struct Score {
    std::size_t nodes = 0;                    ///< one that comes several times counts once, but for the ring
    std::vector<std::string> unknown;         ///< in no group; they count for nothing else
    std::size_t groups = 0, least_groups = 0; ///< touched; of the fewest that could hold as many nodes
    std::size_t pods = 0, least_pods = 0;
    std::size_t ring_edges = 0; ///< of the ring in the order given, between groups
    std::size_t least_ring_edges = 0;
    double all_to_all = 0; ///< share of pairs that are in different groups, 0 to 1
    std::vector<std::pair<std::string, std::size_t>> spread; ///< nodes in each group that is touched
};
Score score(const Placed& placed, const std::vector<std::string>& nodes);

/// The nodes so that a ring over them leaves groups and pods as seldom as can be: unit after unit, in each by
/// name. Nodes in no group come last. A node that is given several times stays several times, together.
std::vector<std::string> rank_order(const Placed& placed, const std::vector<std::string>& nodes);

} // namespace railhead::topology
