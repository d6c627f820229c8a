#pragma once
#include "base/error.hpp"
#include "slurm/inventory.hpp"

namespace railhead::abi {

/// Asks the controller by RPC for nodes, partitions, reservations, the configuration and, where there are
/// any, for its QOS, associations and topology: seven requests at most. Blocks, up to Slurm's MessageTimeout
/// for each. Never call it from job_submit: an RPC to slurmctld from there stalls the controller. Error
/// (internal): which request failed and Slurm's reason.
Result<Inventory> load_inventory();

} // namespace railhead::abi
