// The boundary of spank_railhead.so: Slurm's names, each one guarded call, nothing else.
#include "spank/plugin.hpp"

#include "base/guard.hpp"

#define RAILHEAD_EXPORT __attribute__((visibility("default")))

namespace {

void report(const char* where, const char* what) noexcept {
    slurm_error("spank/railhead: %s: %s; the step goes on without it", where, what);
}

} // namespace

extern "C" {

// SPANK_PLUGIN's constants with external linkage; slurmd and srun compare major and minor of the version.
extern RAILHEAD_EXPORT const char plugin_name[];
extern RAILHEAD_EXPORT const char plugin_type[];
extern RAILHEAD_EXPORT const unsigned int plugin_version;
extern RAILHEAD_EXPORT const unsigned int spank_plugin_version;
SPANK_PLUGIN(railhead, 1)

/// All contexts.
RAILHEAD_EXPORT int slurm_spank_init(spank_t handle, int, char**) {
    return railhead::guarded("slurm_spank_init", 0, report, [&] { return railhead::spank::init(handle); });
}

/// All contexts; of slurmstepd as root, before the step's tasks are there.
RAILHEAD_EXPORT int slurm_spank_init_post_opt(spank_t handle, int, char**) {
    return railhead::guarded("slurm_spank_init_post_opt", 0, report,
                             [&] { return railhead::spank::init_post_opt(handle); });
}

/// slurmstepd, in the process that becomes the task, as its user.
RAILHEAD_EXPORT int slurm_spank_task_init(spank_t handle, int, char**) {
    return railhead::guarded("slurm_spank_task_init", 0, report,
                             [&] { return railhead::spank::task_init(handle); });
}

/// sbatch, salloc, srun and slurmstepd.
RAILHEAD_EXPORT int slurm_spank_exit(spank_t handle, int, char**) {
    return railhead::guarded("slurm_spank_exit", 0, report, [&] { return railhead::spank::exit(handle); });
}

} // extern "C"
