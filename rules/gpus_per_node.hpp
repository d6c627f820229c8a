#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "gpus-per-node": the job needs more GPUs on one node than any node of its partitions has: per node, per
/// socket, per task (a task runs on one node, and so many tasks on at most so many nodes), or per job on at
/// most so many nodes. Sockets are not multiplied: Slurm gives less than --sockets-per-node asks for. A type
/// that is not there at all is gpu_type_rule's. `partitions` come from Inventory::partitions_of and are not
/// empty.
std::optional<Finding> gpus_per_node_rule(const JobRequest& job, const Inventory& inventory,
                                          const Partitions& partitions);

} // namespace railhead
