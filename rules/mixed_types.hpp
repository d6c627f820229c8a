#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "mixed-types": several types of GPU in one job that is not heterogeneous (a rank cannot choose its node),
/// or MIG slices over several nodes (NCCL does not run over them). `partitions` come from
/// Inventory::partitions_of and are not empty.
std::optional<Finding> mixed_types_rule(const JobRequest& job, const Inventory& inventory,
                                        const Partitions& partitions);

} // namespace railhead
