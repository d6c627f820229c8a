#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "partition-kind": GPUs are asked of partitions that have none (fail: Slurm refuses it, or never starts
/// it), or none of partitions whose every node has some (warn: it keeps GPUs from those who need them).
/// `partitions` come from Inventory::partitions_of and are not empty.
std::optional<Finding> partition_kind_rule(const JobRequest& job, const Inventory& inventory,
                                           const Partitions& partitions);

} // namespace railhead
