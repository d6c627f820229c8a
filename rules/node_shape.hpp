#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "node-shape": no nodes of the partitions have the GPUs, the CPUs and the memory that one node must give
/// together, or too few of them are left after --exclude, or one that --nodelist names is not among them.
/// Says nothing where the GPUs alone are too many (other rules'). `--constraint`, reservations and threads
/// per core are not looked at. `partitions` come from Inventory::partitions_of and are not empty.
std::optional<Finding> node_shape_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions);

} // namespace railhead
