#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "uneven": GPUs per job over several nodes that need not come out even: not divisible, or nothing says how
/// many each node gives. `partitions` come from Inventory::partitions_of and are not empty.
std::optional<Finding> uneven_rule(const JobRequest& job, const Inventory& inventory,
                                   const Partitions& partitions);

} // namespace railhead
