#pragma once
#include "base/child.hpp"
#include "base/environment.hpp"
#include "slurm/job_details.hpp"

#include <string>
#include <vector>

namespace railhead {

/// `scontrol show job`: the times in it are seconds, and what it complains of stands in its answer. SIGTERM,
/// which Slurm sends to all of a batch job's processes at its end, does not take the answer away.
ChildSpec question_for_job(const Environment& environment, const std::string& job);

/// What slurmctld says of a job, by `scontrol show job`: one entry, or one for each running task of an array
/// and each component of a heterogeneous job. `job` is as a person types it: 17, 16_3, 14+1. Error (usage):
/// there is no such job, or Slurm gives no answer within 10 s. Blocks.
Result<std::vector<JobDetails>> ask_for_job(const Environment& environment, const std::string& job);

/// "slurm-wlm 24.11.5"; empty when scontrol does not tell. No RPC.
std::string slurm_version(const Environment& environment);

} // namespace railhead
