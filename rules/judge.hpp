#pragma once
#include "policy/settings.hpp"
#include "slurm/inventory.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace railhead {

/// What Slurm shall be asked for in addition.
struct SwitchRequest {
    std::uint32_t leaves = 1;       ///< --switches
    std::uint32_t wait_seconds = 0; ///< its "@": how long the job waits for it before it takes any nodes
    bool operator==(const SwitchRequest&) const = default;
};

struct Judgement {
    std::vector<Finding> findings; ///< level fail: refuse; warn: tell the user and accept, said only where
                                   ///< nothing is refused
    std::optional<SwitchRequest> switches;
};

/// All rules and the placement over one request. Pure: submission, update and `railhead lint` call it alike.
/// A rule's level is the mildest of the job's partitions'; a partition that the inventory does not know, or
/// that has no nodes yet, gives no verdict, and neither does a job that policy exempts. At most three are
/// said. An update gets no placement: it states only what changes.
Judgement judge(const JobRequest& job, const Inventory& inventory, const Settings& settings);

} // namespace railhead
