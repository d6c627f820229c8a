#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "type-required": GPUs are asked without a type where the partitions have several types; limits on a typed
/// GPU are then bypassed. `partitions` come from Inventory::partitions_of and are not empty.
std::optional<Finding> type_required_rule(const JobRequest& job, const Inventory& inventory,
                                          const Partitions& partitions);

} // namespace railhead
