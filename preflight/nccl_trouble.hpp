#pragma once
#include "base/finding.hpp"
#include "preflight/nccl_log.hpp"

#include <vector>

namespace railhead::nccl {

/// What NCCL warned of: the errors, of which the first is the headline and those that only tell of another
/// process's end are its victims, and what it merely remarks.
std::vector<Finding> troubles(const Log& log);

} // namespace railhead::nccl
