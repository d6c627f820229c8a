#pragma once
#include "slurm/request.hpp"

#include <optional>
#include <string_view>

namespace railhead {

/// The #SBATCH lines of a batch script, up to its first command as sbatch reads them.
std::string_view script_header(std::string_view script);

/// Which option of the command line or of the script's header asked for the GRES per node that came as
/// `spelling` ("gres/gpu:h100:8"). `untold` when neither names one: an environment variable did.
NodeOption option_of(std::string_view command_line, std::string_view header, std::string_view spelling);

/// What --tres-per-task was given: "cpu=2,gres/gpu=1"; absent: it was not.
std::optional<std::string_view> tres_per_task_in(std::string_view command_line, std::string_view header);

} // namespace railhead
