#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace railhead {

struct StepTarget {
    std::string job, step; ///< step empty: all steps of the job
};
/// "17.0" or "17"; error (usage) otherwise.
Result<StepTarget> step_target_from(std::string_view text);

/// `railhead sweep JOBID[.STEPID]`: ends the processes and removes the directories of this user that a launch
/// of that step left on this node because both halves of its agent were killed. A launch whose agent lives is
/// never touched. Prints a line for each thing done. Returns the exit code: 0, or 113 (survivors) when
/// something could not be removed.
int run_sweep(const Environment& environment, const std::string& target, const std::string& tmp);

} // namespace railhead
