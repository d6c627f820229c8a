#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "node-shape": the partitions have enough nodes with the GPUs, but not with all that the job asks for
/// together: CPUs, memory and tasks of a node, --constraint, --reservation, --nodelist and --exclude; or the
/// nodes that are left hold too few GPUs or tasks in total. Says nothing where the GPUs alone are too many
/// (other rules'), and of threads per core. `partitions` come from Inventory::partitions_of and are not
/// empty.
std::optional<Finding> node_shape_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions);

} // namespace railhead
