#pragma once
#include "rules/capacity.hpp"

#include <cstdint>
#include <optional>

namespace railhead {

/// The least number of leaf groups that can hold the job's nodes: for each of its partitions the fullest
/// leaves first, nodes with the wrong GPUs and excluded ones left out, down ones counted. The largest over
/// the partitions, so that it can be met in each. Absent when nothing follows: node count unknown, one node,
/// hosts named by the user, no tree topology, or every leaf is needed anyway. `--constraint` is not looked
/// at.
std::optional<std::uint32_t> least_leaves(const JobRequest& job, const Inventory& inventory,
                                          const Partitions& partitions);

} // namespace railhead
