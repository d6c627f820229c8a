#pragma once
#include "slurm/allocation.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// What slurmctld says of one job, array task or component of a heterogeneous job.
struct JobDetails {
    std::string job_id;
    std::string leader;                   ///< of a heterogeneous job: HetJobId; otherwise the job itself
    std::optional<int> het_offset;        ///< HetJobOffset
    std::string array_task;               ///< "16_3"; empty: no array task
    std::string state;                    ///< RUNNING, PENDING, ...
    std::string reason;                   ///< why it is in its state: "TimeLimit", "None", ...
    bool preempted = false;               ///< PreemptTime is set
    bool batch = true;                    ///< BatchFlag: submitted by sbatch, not salloc or srun
    bool requeue = true;                  ///< Requeue: --requeue, or the site's JobRequeue
    std::string user;                     ///< UserId: "alice(1001)"
    std::optional<std::int64_t> end_time; ///< EndTime, seconds since the epoch, if the text was made with
                                          ///< SLURM_TIME_FORMAT=%s; absent: another form, or no limit
    std::optional<std::uint64_t> run_s;   ///< RunTime, without the time it was suspended
    std::optional<std::uint32_t> limit_minutes; ///< TimeLimit, as minutes_from() reads it
    std::string container;                      ///< Container: the bundle of --container; empty: none
    std::vector<std::string> nodes;
    std::map<std::string, int> gpus; ///< allocated on each node; a node without any is not in it
    std::map<std::string, std::uint64_t> mem_bytes; ///< the same of memory; empty where Slurm allocates none
};

/// Reads the output of `scontrol show job --details` (22.05 to 26.05 write it alike; src/api/job_info.c of
/// Slurm). Not of --oneliner: a job's name or comment may hold blanks and "JobId=4". What cannot be read is
/// left out: the text is for people.
std::vector<JobDetails> job_details_from(std::string_view text);

/// Of a job without a limit.
inline constexpr std::int64_t no_limit_s = INT64_MAX;

/// Seconds until the job's time limit; none or fewer when it is reached. Of a job that is over, or is ending,
/// what was left then: its EndTime, in contrast, is that of the cancel. Absent: the text does not tell.
std::optional<std::int64_t> time_left_s(const JobDetails& job);

/// Nodes with more than an even share of the job's GPUs: with their likes, or each in a component of its own.
enum class AboveShare { together, alone };

/// The allocation with the memory of its nodes, and its components split where nodes have different numbers
/// of GPUs. A step without a request gets what the job's own request, applied to the step, gives: fewer GPUs
/// than the job has, or an error (seen on all versions with --gpus, --gpus-per-task and --exclusive). A step
/// with --gres=gpu:N on nodes that have N each gets them, but for 22.05: it gives nodes with more than an
/// even share of the job's GPUs theirs only in steps of one node. Unchanged when no node has a GPU.
Allocation with_details(Allocation allocation, const std::vector<JobDetails>& details,
                        AboveShare above = AboveShare::together);

} // namespace railhead
