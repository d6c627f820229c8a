#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "gpus-total": more GPUs in total, or more nodes (with those GPUs), than any of the partitions has or,
/// where no QOS can lift it, gives to one job. What is too much for one node is gpus_per_node_rule's.
/// `partitions` come from Inventory::partitions_of and are not empty.
std::optional<Finding> gpus_total_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions);

} // namespace railhead
