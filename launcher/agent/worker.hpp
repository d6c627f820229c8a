#pragma once
#include "base/environment.hpp"
#include "base/fd.hpp"
#include "launcher/agent/directory.hpp"
#include "launcher/wire.hpp"

#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// What the watcher hands to the worker.
struct WorkerStart {
    Invitation invitation;
    Environment environment;
    LaunchName name;
    std::optional<LaunchDirectory> directory; ///< absent: `findings` says why
    std::vector<Finding> findings;
    UniqueFd leash; ///< at its end of file when the watcher is gone
};

/// The worker: connects to the supervisor, carries out its orders and leaves nothing. The launch signals and
/// SIGCHLD must be blocked. Returns the process's exit code when all is
/// cleaned.
int run_worker(WorkerStart start);

} // namespace railhead
