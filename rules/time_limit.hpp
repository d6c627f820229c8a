#pragma once
#include "rules/capacity.hpp"

#include <optional>

namespace railhead {

/// "time-limit": more time than any of the partitions allows, with no QOS that could lift it (fail: Slurm
/// refuses it, or it pends with PartitionTimeLimit), or none given where the default is short, at most an
/// hour and less than the partition allows (warn). `partitions` come from Inventory::partitions_of and are
/// not empty.
std::optional<Finding> time_limit_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions);

/// As --time takes it: "90", "1-00:00:00".
std::string time_text(std::uint32_t minutes);

} // namespace railhead
