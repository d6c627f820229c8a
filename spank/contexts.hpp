#pragma once
#include "spank/plugin.hpp"

#include <optional>
#include <string>

/// One file per SPANK context; spank/dispatch.cpp chooses.
namespace railhead::spank {

/// sbatch, salloc (allocator.cpp) and srun (local.cpp): options only. slurmstepd must know the option as
/// well, or it calls a step that used it broken.
int register_options(spank_t handle);

/// What --rail-env and --rail-check say; absent: the job does not say.
const std::optional<std::string>& env_asked();
const std::optional<std::string>& check_asked();

/// sbatch and salloc in a job: what its --rail-on-loss has put into the environment is not the new job's.
void forget_option_of_outer_job();

/// slurmstepd, as root, before the step's tasks are there (node.cpp): has this node's rails told, and what
/// is wrong with it, for its tasks. Always 0: else the node would be drained.
int look_at_node(spank_t handle);

/// slurmstepd, in the process that becomes the task, as its user (task.cpp): sets the variables of its rails,
/// says what is wrong with the node, and with --rail-check=enforce ends by exit code 101 then.
int prepare_task(spank_t handle);

/// slurmstepd, as root, when the tasks of the step have ended (remote.cpp): cleans what a launch left on this
/// node because both halves of its agent were killed.
int leave_step(spank_t handle);

} // namespace railhead::spank
