#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "gpu-visibility": several ranks of a node are bound to GPUs of their own (--gpus-per-task,
/// --ntasks-per-gpu,
/// --gpu-bind) and do not see each other's, so that P2P and CUDA IPC break. `partitions` come from
/// Inventory::partitions_of and are not empty.
std::optional<Finding> gpu_visibility_rule(const JobRequest& job, const Inventory& inventory,
                                           const Partitions& partitions);

} // namespace railhead
