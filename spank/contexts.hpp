#pragma once
#include "spank/plugin.hpp"

/// One file per SPANK context; spank/dispatch.cpp chooses.
namespace railhead::spank {

/// sbatch, salloc (allocator.cpp) and srun (local.cpp): options only. slurmstepd must know the option as
/// well, or it calls a step that used it broken.
int register_options(spank_t handle);

/// sbatch and salloc in a job: what its --rail-on-loss has put into the environment is not the new job's.
void forget_option_of_outer_job();

/// slurmstepd, as root, when the tasks of the step have ended (remote.cpp): cleans what a launch left on this
/// node because both halves of its agent were killed.
int leave_step(spank_t handle);

} // namespace railhead::spank
