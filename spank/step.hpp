#pragma once
#include "base/child.hpp"
#include "policy/settings.hpp"
#include "slurm/abi/headers.hpp"

#include <cstdint>
#include <optional>
#include <string>

#ifndef RAILHEAD_PROGRAM
#define RAILHEAD_PROGRAM "/usr/bin/railhead"
#endif

/// What slurmstepd tells the plugin of the step at hand.
namespace railhead::spank {

struct StepItems {
    std::uint32_t job = 0, step = 0;
    Identity owner;

    /// Of srun; not the batch script, nor Slurm's own steps.
    bool is_of_srun() const { return step < SLURM_MAX_NORMAL_STEP_ID; }
    bool is_of_batch() const { return step == SLURM_BATCH_SCRIPT; }
};
/// Absent: Slurm does not tell.
std::optional<StepItems> items_of(spank_t handle);

/// A variable of the step, or in a task's process of the task; empty: it has none, or one longer than 4,095
/// bytes.
std::string variable(spank_t handle, const char* name);

/// A broken file is job_submit's and `railhead config check`'s to report; here the defaults hold then.
Settings site_settings();

} // namespace railhead::spank
