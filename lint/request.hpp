#pragma once
#include "base/error.hpp"
#include "lint/script.hpp"
#include "slurm/request.hpp"

namespace railhead {

/// What the options of a script and its command line ask for, as sbatch would put it into job_desc_msg_t.
/// Options that no rule looks at are left out. Error (usage): a value that cannot be read, at its line.
Result<JobRequest> request_of(const Script& script);

} // namespace railhead
