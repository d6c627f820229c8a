#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "conflict": requests that contradict each other, so that Slurm rejects the job or never starts it (fail),
/// or of which Slurm drops or adds up one in silence (warn). `partitions` come from Inventory::partitions_of
/// and are not empty.
std::optional<Finding> conflict_rule(const JobRequest& job, const Inventory& inventory,
                                     const Partitions& partitions);

} // namespace railhead
