#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"

#include <string>

namespace railhead {

/// Reads one line of at most 64 KiB from `fd`, waiting at most `seconds`. Error (bringup_failed):
/// "invitation-late", "invitation-cut".
Result<std::string> read_invitation_line(int fd, double seconds);

/// `railhead agent`: the task that slurmstepd started on this node. Reads the invitation from standard input,
/// starts the worker and watches it; whichever of the two dies, the other cleans up. Call it first thing in a
/// single-threaded process. Returns the exit code.
int run_agent(const Environment& environment);

} // namespace railhead
