#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"
#include "slurm/allocation.hpp"
#include "slurm/job_details.hpp"

#include <string>
#include <vector>

namespace railhead {

/// Why Slurm refuses to requeue this job (job_requeue2() in src/slurmctld/job_mgr.c), and what to do; empty:
/// it does not.
std::string no_requeue(const JobDetails& job);

/// Puts the job, of an array only this task, back in the queue, and keeps it off these nodes. Slurm ends
/// what still runs of it at once. Waits at most 20 s for each of two answers. Error (internal): in
/// Slurm's words; the job may be in the queue then, but not kept off the nodes.
Result<void> requeue(const Environment& environment, const Allocation& allocation,
                     const std::vector<std::string>& without);

} // namespace railhead
