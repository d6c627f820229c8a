#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "gpu-type": the job asks for a type of GPU that no node of its partitions has. Slurm would refuse it too,
/// or never start it. `partitions` come from Inventory::partitions_of and are not empty.
std::optional<Finding> gpu_type_rule(const JobRequest& job, const Inventory& inventory,
                                     const Partitions& partitions);

} // namespace railhead
