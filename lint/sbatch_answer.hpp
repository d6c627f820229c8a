#pragma once
#include "base/finding.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// What `sbatch --test-only` has said of a script.
struct SbatchAnswer {
    std::vector<Finding> findings;
    std::string not_asked; ///< why the controller was not asked, in sbatch's words; empty: it was
};

/// Reads what it printed, standard error included. Any exit code but 0 is a finding, unless Slurm could not
/// be asked: that is no error of the script.
SbatchAnswer sbatch_answer_from(std::string_view said, int exit_code, const std::string& script);

} // namespace railhead
