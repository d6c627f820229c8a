#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace railhead {

/// Step ids from here on are no steps of srun: batch, extern, interactive, pending (slurm.h:
/// SLURM_MAX_NORMAL_STEP_ID).
inline constexpr std::int64_t max_step_of_srun = 0xfffffff0;

/// Nodes of a job that one step can serve: an ordinary job has one component, a heterogeneous job several,
/// and with_details() splits them further.
struct Component {
    std::vector<std::string> nodes; ///< in Slurm's order
    std::vector<int> cpus;          ///< allocated per node, same order (SLURM_JOB_CPUS_PER_NODE)
    std::optional<int> het_group;   ///< number for srun --het-group; absent for an ordinary job
    std::optional<int> gpus;        ///< of each node; absent: not known, or the job has none
    std::map<std::string, std::uint64_t> mem_bytes; ///< by node; one that is not in it: not known
    std::vector<std::size_t>
        places; ///< of the nodes in Slurm's list, when with_details() has split it; else empty
};

/// What the environment says about the job we are in. No RPC is made.
/// Sources: srun(1), sbatch(1) "OUTPUT ENVIRONMENT VARIABLES".
struct Allocation {
    std::string job_id;                   ///< SLURM_JOB_ID (the number of an array task's own job)
    std::optional<std::string> array;     ///< "ARRAYJOB_TASK"
    int restart_count = 0;                ///< SLURM_RESTART_COUNT
    std::optional<std::int64_t> end_time; ///< SLURM_JOB_END_TIME, seconds since the epoch
    std::string submit_host;              ///< SLURM_SUBMIT_HOST: a login node, usually
    std::string container;                ///< SLURM_CONTAINER: the bundle of --container; empty: none
    std::vector<Component> components;
    // Inside a step (`srun railhead ...`): who am I in it. Absent in a batch script and in an salloc shell.
    std::optional<int> step_task; ///< SLURM_PROCID when SLURM_STEP_ID is a step of srun, not the batch step
    std::optional<std::string> step_id;

    /// Component and name of each node, in Slurm's order.
    std::vector<std::pair<std::size_t, std::string>> in_order() const;
    std::vector<std::string> nodes() const; ///< their names
};

/// Error (usage) when there is no SLURM_JOB_ID, or a variable cannot be read: it names the variable and its
/// text.
Result<Allocation> allocation_from(const Environment& environment);

} // namespace railhead
