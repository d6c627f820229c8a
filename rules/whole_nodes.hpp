#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "whole-nodes": a job of several nodes takes a part of each one's GPUs, so that its rails need not line up.
/// `partitions` come from Inventory::partitions_of and are not empty.
std::optional<Finding> whole_nodes_rule(const JobRequest& job, const Inventory& inventory,
                                        const Partitions& partitions);

} // namespace railhead
