#pragma once
#include "policy/settings.hpp"
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "scalable-unit": the job's nodes need more leaf groups than submit.unit_most of every one of its
/// partitions allows, or are more than a leaf group holds and no multiple of submit.unit_step groups. A leaf
/// group's size is that of the largest one in the partition. Says nothing where the number of nodes is not
/// known, or the partition's nodes are not all in leaf groups. `partitions` come from
/// Inventory::partitions_of and are not empty.
std::optional<Finding> scalable_unit_rule(const JobRequest& job, const Inventory& inventory,
                                          const Partitions& partitions, const Settings& settings);

} // namespace railhead
