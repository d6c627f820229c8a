#pragma once
#include "topology/topology_conf.hpp"

namespace railhead::topology {

/// One sentence's worth of difference between two files: what it means for nodes, not which lines differ.
struct Change {
    enum class Kind { moved, added, removed, renamed, upper, block_sizes } kind;
    std::vector<std::string> nodes;
    std::string from, to; ///< leaves; of `upper` the switches that join them, of `block_sizes` those
};

/// Leaves are the same when their nodes mostly coincide; what is called otherwise then is renamed, and its
/// nodes have not moved.
std::vector<Change> diff(const TopologyConf& before, const TopologyConf& now);
std::string sentence(const Change& change);

} // namespace railhead::topology
