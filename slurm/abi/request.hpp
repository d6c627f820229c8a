#pragma once
#include "base/error.hpp"
#include "slurm/abi/headers.hpp"
#include "slurm/request.hpp"

namespace railhead::abi {

/// Reads what the user asked for, in the spelling of the Slurm this is compiled for. `modify`: the
/// description holds changed fields only. Error (usage): a GRES that cannot be read, with its position; Slurm
/// will judge it.
Result<JobRequest> request_from(const job_desc_msg_t& job, bool modify);

} // namespace railhead::abi
