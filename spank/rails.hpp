#pragma once
#include "base/child.hpp"
#include "base/finding.hpp"
#include "preflight/rails.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace railhead::spank {

/// Runs `program env --json` as the owner, with a clean environment but for HOME, and waits at most
/// `seconds`. Error (internal): it did not answer so, and how.
Result<ToldRails> ask_rails(const std::string& program, const Identity& owner, const std::string& home,
                            double seconds);

/// The same of `program check node --json`, with these limits of its own, which are the tasks'.
Result<std::vector<Finding>> ask_node(const std::string& program, const Identity& owner,
                                      const std::map<int, std::uint64_t>& limits, double seconds);

/// What is known of a task's GPUs.
struct TaskGpus {
    std::vector<int> devices; ///< numbers of the device files that the task may open; none: not known
    std::string of_step;      ///< SLURM_STEP_GPUS of the step; that of a task begins with 0, too
    std::string step_sees;    ///< CUDA_VISIBLE_DEVICES of the step
    std::string task_sees;    ///< that of the task; both begin with 0 where Slurm constrains devices
};
/// Their numbers on the node. What cannot be told is left out.
std::vector<int> gpus_of_task(const TaskGpus& task);

/// Of GPUs that several tasks of a node all see, those of one, in the order of both: local rank i uses GPU i.
/// All, where they do not come out even.
std::vector<int> share_of(const std::vector<int>& gpus, std::size_t task, std::size_t tasks);

/// Of the GPUs of the node, those whose device file below `root`/dev this process may open; without opening
/// any, which may start a driver. (inode_permission() asks the device cgroup in access(2), too.)
std::vector<int> devices_allowed(const std::string& root, const Rails& rails);

/// The CPUs of `allowed` that are near to these GPUs; empty: none of them is, or too few for `wanted`, or the
/// places of some are not known.
std::vector<int> cpus_near(const Rails& rails, const std::vector<int>& gpus, const std::vector<int>& allowed,
                           std::size_t wanted);

} // namespace railhead::spank
