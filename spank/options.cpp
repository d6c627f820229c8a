// The options of sbatch, salloc and srun. job_submit_railhead.so reads the value from spank_job_env, where
// Slurm puts it as _SLURM_SPANK_OPTION_railhead_rail_placement.
#include "spank/contexts.hpp"

#include "base/guard.hpp"

#include <string_view>

namespace railhead::spank {
namespace {

void report(const char* where, const char* what) noexcept {
    slurm_error("spank/railhead: %s: %s", where, what);
}

/// The callback that Slurm calls; -1 ends sbatch, salloc or srun.
extern "C" int railhead_placement_callback(int value, const char* argument, int remote) {
    return guarded("--rail-placement", -1, report, [&] { return placement_option(value, argument, remote); });
}

// Slurm's own type has no const.
char option_name[] = "rail-placement";
char option_argument[] = "compact|any";
char option_usage[] = "compact: on the fewest leaf groups; any: where there is room (Railhead)";

} // namespace

int register_options(spank_t handle) {
    static spank_option placement{
        option_name, option_argument, option_usage, 1, 0, railhead_placement_callback};
    auto code = spank_option_register(handle, &placement);
    if (code != ESPANK_SUCCESS)
        slurm_error("spank/railhead: --rail-placement is not available: %s", spank_strerror(code));
    return 0;
}

int placement_option(int, const char* argument, int) {
    std::string_view text = argument ? argument : "";
    if (text == "compact" || text == "any") return 0;
    slurm_error("railhead: --rail-placement is \"%s\" (expected compact or any)", argument ? argument : "");
    return -1;
}

} // namespace railhead::spank
