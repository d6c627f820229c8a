#pragma once
#include "rules/usable_nodes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// What Slurm shall be asked for, so that a job takes few leaf groups: the one or the other.
struct Placement {
    std::uint32_t leaves = 0;       ///< --switches; 0: nothing
    std::uint32_t wait_seconds = 0; ///< its "@": how long the job waits for it before it takes any nodes
    std::uint32_t segment = 0;      ///< --segment, with topology/block (24.05 and later); 0: nothing
    bool operator==(const Placement&) const = default;
};

/// As a user would have typed it: "--switches=2@1:00", "--segment=4".
std::string option_of(const Placement& placement);

/// With a tree: the least number of leaf groups that can hold the job's nodes; for each of its partitions the
/// fullest leaves first, only of nodes that the job can use (UsableNodes), down ones counted. The largest
/// over the partitions, so that it can be met in each.
/// With blocks: the largest divisor of the node count that fits the base block, if the usable nodes of all
/// blocks hold so many segments (nodes of a block beyond the base size are its spares, and count for none);
/// the smallest over the partitions.
/// Absent when nothing follows: node count unknown, one node, hosts named by the user, no topology, every
/// leaf is needed anyway. `wait_seconds` is the caller's.
std::optional<Placement> compact_placement(const JobRequest& job, const Inventory& inventory,
                                           const Partitions& partitions);

} // namespace railhead
