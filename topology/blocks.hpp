#pragma once
#include "topology/rail_map.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace railhead::topology {

/// One BlockName line of Slurm's topology.conf (5).
struct BlockLine {
    std::string name;
    std::vector<std::string> nodes;
    bool operator==(const BlockLine&) const = default;
};

/// Release of Slurm, as in CheckOptions. 23.11 has BlockLevels instead of BlockSizes, and ends where blocks
/// differ in size; so Railhead's blocks are for what came after it.
constexpr std::uint32_t first_with_blocks = 2405;

/// A file for topology/block: blocks in rank order, for Slurm puts neighbours together, and BlockSizes.
struct Blocks {
    std::vector<BlockLine> lines;
    /// The smallest block's size, for slurmctld of 24.11 dies of a larger one, and it times two, four, ...
    /// up to all of them; at most 16 (topology/block).
    std::vector<std::uint32_t> sizes;
    std::vector<Finding> findings; ///< of a block much smaller than the others, and of nodes in none
};

struct BlockOptions {
    std::vector<std::string> nodes; ///< that Slurm has; one that is in no block is a finding
    /// The size of a base block. Smaller blocks are left out then, with a finding. 0: the smallest block's.
    std::uint32_t base = 0;
    /// Groups of hosts by name, in the order in which blocks shall stand: where NVLink domains are blocks,
    /// the rank order of the fabric. Empty: the blocks' own order.
    std::vector<std::string> order;
};

/// A block for each leaf group.
Blocks blocks_of(const Hosts& hosts, const RailMap& map, const BlockOptions& options);

std::string topology_conf(const Blocks& blocks);
/// A topology of that name for topology.yaml (Slurm 25.05 and later).
std::string topology_yaml(const Blocks& blocks, const std::string& name, bool is_default);

} // namespace railhead::topology
