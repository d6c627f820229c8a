#pragma once
#include "policy/settings.hpp"
#include "rules/placement.hpp"
#include "slurm/inventory.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace railhead {

struct Judgement {
    std::vector<Finding> findings; ///< level fail: refuse; warn: tell the user and accept, said only where
                                   ///< nothing is refused
    std::optional<Placement> placement;
    bool by_down_nodes = false; ///< a finding is there only because nodes are down that policy ignores
};

bool refuses(const std::vector<Finding>& findings);

/// All rules and the placement over one request. Pure: submission, update and `railhead lint` call it alike.
/// A rule's level is the mildest of the job's partitions'; a partition that the inventory does not know
/// gives no verdict, and neither does a job that policy exempts. One without nodes takes no job, unless
/// unknown ones may register. At most three are said. Nodes that are down count where the policy does not say
/// otherwise. What counts nodes only warns where unknown ones may register (Inventory::can_grow). An update
/// gets no placement: it states only what changes.
Judgement judge(const JobRequest& job, const Inventory& inventory, const Settings& settings);

} // namespace railhead
