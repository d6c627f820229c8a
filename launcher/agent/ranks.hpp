#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"
#include "launcher/rank_words.hpp"

#include <string>
#include <vector>

namespace railhead {

// Ranks that srun or mpirun starts are no children of the agent. On each node `railhead ranks`, which is one,
// stands for them: each rank's `railhead task` (agent/task.hpp) is connected to it, tells how the rank ended,
// and gets its signals from there.

/// `railhead ranks COUNT GRACE`: lives as long as its ranks. Ends with 0 when so many have ended well; with
/// the first that fails, after it has left the record of it (first_failed_task). The others then have GRACE
/// seconds to end; none outlives it.
int run_ranks(const Environment& environment, const std::vector<std::string>& words);

/// `railhead task` where `ranks_mark` is set.
int run_rank(const Environment& environment, const std::vector<std::string>& command);

} // namespace railhead
