#pragma once
#include "lint/script.hpp"
#include "slurm/request.hpp"

#include <vector>

namespace railhead {

/// What the options of a script and its command line ask for, as sbatch would put it into job_desc_msg_t.
/// Options that no rule looks at are left out, and so are values that cannot be read: Slurm says of them what
/// it thinks.
JobRequest request_of(const Script& script);

/// One for each component of a heterogeneous job, each with those before it; else the one.
std::vector<JobRequest> requests_of(const Script& script);

} // namespace railhead
