#pragma once
#include "base/finding.hpp"
#include "slurm/inventory.hpp"

#include <optional>

namespace railhead {

/// The job with what the partition's DefCpuPerGPU and DefMemPerGPU (slurm.conf(5)) add to it; absent:
/// nothing. As Slurm does it (22.05, 24.11, 26.05): -c and --ntasks-per-gpu stand against the one, nothing
/// but
/// --mem-per-gpu against the other. Of --gpus only the CPUs without tasks count: 26.05 starts the others.
std::optional<JobRequest> with_gpu_defaults(const JobRequest& job, const JobLimits& limits);

/// Part of node-shape: more CPUs or memory of a node than MaxCPUsPerNode, MaxMemPerNode or MaxMemPerCPU
/// (slurm.conf(5)) give, or than it has for each GPU of a node that the job has alone. Slurm rejects such a
/// job, or lets it pend with MaxMemPerLimit for ever.
std::optional<Finding> above_job_limits(const JobRequest& job, const Inventory& inventory,
                                        const Partition& partition);

} // namespace railhead
