// The options of sbatch, salloc and srun. job_submit_railhead.so reads their values from spank_job_env, where
// Slurm puts them as _SLURM_SPANK_OPTION_railhead_rail_placement.
#include "spank/contexts.hpp"

#include "base/guard.hpp"

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace railhead::spank {
namespace {

void report(const char* where, const char* what) noexcept {
    slurm_error("spank/railhead: %s: %s", where, what);
}

// The callbacks that Slurm calls; -1 ends sbatch, salloc or srun.
extern "C" int railhead_placement_callback(int value, const char* argument, int remote) {
    return guarded("--rail-placement", -1, report, [&] { return placement_option(value, argument, remote); });
}
extern "C" int railhead_env_callback(int value, const char* argument, int remote) {
    return guarded("--rail-env", -1, report, [&] { return env_option(value, argument, remote); });
}
extern "C" int railhead_check_callback(int value, const char* argument, int remote) {
    return guarded("--rail-check", -1, report, [&] { return check_option(value, argument, remote); });
}
extern "C" int railhead_on_loss_callback(int value, const char* argument, int remote) {
    return guarded("--rail-on-loss", -1, report, [&] { return on_loss_option(value, argument, remote); });
}

// Slurm's own type has no const.
char placement_name[] = "rail-placement";
char placement_argument[] = "compact|any";
char placement_usage[] = "compact: on the fewest leaf groups; any: where there is room (Railhead)";
char on_loss_name[] = "rail-on-loss";
char on_loss_argument[] = "fail|shrink:MIN|spare:N|requeue";
char on_loss_usage[] = "what railhead does when the job loses a node (railhead(1), --on-loss)";

char env_name[] = "rail-env";
char env_argument[] = "auto|off";
char env_usage[] =
    "auto: tasks get NCCL's and UCX's variables for the node's rails; what you set stays (Railhead)";
char check_name[] = "rail-check";
char check_argument[] = "off|warn|enforce";
char check_usage[] = "warn: say what is wrong with the step's nodes; enforce: end its tasks then (Railhead)";

std::optional<std::string> asked_env, asked_check;

const char* const setting = "RAILHEAD_LAUNCH_ON_LOSS";
const char* const no_kill = "RAILHEAD_NO_KILL";
// By which Slurm itself hands an option of a plugin on: a job's sbatch takes it for its own.
const char* const slurms_option = "_SLURM_SPANK_OPTION_railhead_rail_on_loss";
const char* const slurms_option_in_job = "SLURM_SPANK__SLURM_SPANK_OPTION_railhead_rail_on_loss";
const char* const option_of_job = "RAILHEAD_ON_LOSS_OF_JOB"; ///< to know later where `setting` is from

bool is_on_loss(std::string_view text) {
    if (text == "fail" || text == "requeue") return true;
    for (std::string_view word : {"shrink:", "spare:"})
        if (text.substr(0, word.size()) == word)
            return text.size() > word.size() &&
                   text.find_first_not_of("0123456789", word.size()) == text.npos;
    return false;
}

} // namespace

int register_options(spank_t handle) {
    static spank_option options[] = {
        {placement_name, placement_argument, placement_usage, 1, 0, railhead_placement_callback},
        {env_name, env_argument, env_usage, 1, 0, railhead_env_callback},
        {check_name, check_argument, check_usage, 1, 0, railhead_check_callback},
        {on_loss_name, on_loss_argument, on_loss_usage, 1, 0, railhead_on_loss_callback}};
    for (auto& option : options) {
        auto code = spank_option_register(handle, &option);
        if (code != ESPANK_SUCCESS)
            slurm_error("spank/railhead: --%s is not available: %s", option.name, spank_strerror(code));
    }
    return 0;
}

const std::optional<std::string>& env_asked() {
    return asked_env;
}
const std::optional<std::string>& check_asked() {
    return asked_check;
}

int env_option(int, const char* argument, int) {
    std::string_view text = argument ? argument : "";
    if (text != "auto" && text != "off") {
        slurm_error("railhead: --rail-env is \"%s\" (expected auto or off)", argument ? argument : "");
        return -1;
    }
    asked_env = text;
    return 0;
}

int check_option(int, const char* argument, int) {
    std::string_view text = argument ? argument : "";
    if (text != "off" && text != "warn" && text != "enforce") {
        slurm_error("railhead: --rail-check is \"%s\" (expected off, warn or enforce)",
                    argument ? argument : "");
        return -1;
    }
    asked_check = text;
    return 0;
}

int placement_option(int, const char* argument, int) {
    std::string_view text = argument ? argument : "";
    if (text == "compact" || text == "any") return 0;
    slurm_error("railhead: --rail-placement is \"%s\" (expected compact or any)", argument ? argument : "");
    return -1;
}

// sbatch, salloc and srun pass their own environment on to the job, where `railhead` finds the setting. In
// slurmstepd there is nothing to do.
int on_loss_option(int, const char* argument, int remote) {
    std::string_view text = argument ? argument : "";
    if (!is_on_loss(text)) {
        slurm_error("railhead: --rail-on-loss is \"%s\" (expected fail, shrink:MIN, spare:N or requeue)",
                    argument ? argument : "");
        return -1;
    }
    if (remote != 0) return 0;
    setenv(setting, argument, 1);
    setenv(option_of_job, argument, 1);
    // job_submit sets --no-kill for these, which Slurm does not tell: so that the launch does not ask for it.
    if (text.find(':') != text.npos) setenv(no_kill, "1", 1);
    return 0;
}

void forget_option_of_outer_job() {
    const auto* mark = getenv(option_of_job);
    if (!mark) return;
    const std::string option = mark;
    for (const auto* name : {setting, slurms_option, slurms_option_in_job})
        if (const auto* now = getenv(name); now && now == option)
            unsetenv(name); // else the user has set it since
    for (const auto* name : {no_kill, option_of_job}) unsetenv(name);
}

} // namespace railhead::spank
