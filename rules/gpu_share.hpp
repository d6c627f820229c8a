#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "gpu-share": more CPUs or memory for a GPU than its share of every node that could take the job, and not
/// all of the node's GPUs: then GPUs are left that nobody can use. `partitions` come from
/// Inventory::partitions_of and are not empty.
std::optional<Finding> gpu_share_rule(const JobRequest& job, const Inventory& inventory,
                                      const Partitions& partitions);

} // namespace railhead
