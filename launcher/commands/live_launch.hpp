#pragma once
#include "base/error.hpp"

#include <string>

namespace railhead {

/// What the running launch of a job ("17"), or of one of its steps ("17.1"), on this node published for
/// `railhead attach` (JSON). Error (usage): there is none, or several. Only a file of this user's, in a
/// directory of this user's, is believed.
Result<std::string> read_published(const std::string& tmp, const std::string& job_or_step);

/// Waits until the launch that the first task of our `step` begins has come to this node (at most `within_s`)
/// and gone, and says when none came; other launches of `job`, one that we run in too, are not waited for.
/// Always 0: the first task's exit code counts. Ends at SIGTERM like any program.
int wait_for_launch(const std::string& tmp, const std::string& job, const std::string& step, double within_s);

} // namespace railhead
