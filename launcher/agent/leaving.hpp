#pragma once
#include "launcher/agent/directory.hpp"
#include "launcher/agent/proctable.hpp"
#include "launcher/agent/reaper.hpp"
#include "launcher/agent/shm.hpp"
#include "launcher/wire.hpp"

#include <functional>
#include <string>
#include <vector>

namespace railhead {

inline constexpr double kill_bound_s = 1; ///< SIGKILL acts at once but on what the kernel holds

struct CleanUp {
    std::string node;
    LaunchName launch;
    std::string dir;               ///< empty: none was made
    double bound_s = kill_bound_s; ///< for descendants to be gone
    bool keep_dir = false;         ///< it is emptied: the agent stays
};

/// The last part of every end, on whichever path it is reached (an order, a signal, the death of the other
/// half of the agent, a sweep): kills what is left of a launch on this node and removes its files. Blocks for
/// at most about 2 s, 10 ms when nothing is left. What it could not do, as findings of level warn.
std::vector<Finding> clean_up(const CleanUp& what, ShmFiles& shm, const OnReaped& on_reaped);

/// Of such a finding: something of the launch is still on the node (exit code 113).
bool is_left_behind(const Finding& finding);

/// Where ShmFiles keeps its record below the launch's directory.
std::string shm_record_of(const std::string& dir);
std::string shm_record_text(const std::string& dir); ///< what it says; empty: nothing, or no directory

/// Cleans up after launches of `job` (and `step`, unless it is empty) whose agents are gone.
std::vector<Finding> sweep(const std::string& node, const std::string& tmp, const std::string& job,
                           const std::string& step);

/// The last `max_bytes` of each log below `dir` as log_back events, each of which fits a frame whatever is in
/// it; at most 8 MiB together, of which `first` (ids of logs) get what they need.
std::vector<Event> logs_to_bring(const std::string& dir, std::size_t max_bytes,
                                 const std::vector<std::string>& first);

} // namespace railhead
