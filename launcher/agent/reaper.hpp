#pragma once
#include "base/child.hpp"
#include "launcher/agent/proctable.hpp"

#include <functional>
#include <string>
#include <vector>

namespace railhead {

/// Names of the environment variables that mark a launch's processes, for those that leave its process tree.
inline constexpr const char* launch_mark = "RAILHEAD_LAUNCH";   ///< "<job>.<step>-<launch>"
inline constexpr const char* process_mark = "RAILHEAD_PROCESS"; ///< the plan's id of the process

using OnReaped = std::function<void(pid_t pid, ChildStatus status)>;

/// Makes this process the one that orphans below it fall to (PR_SET_CHILD_SUBREAPER).
void become_subreaper();

/// Reaps every child that has ended, adopted ones too.
void reap_all(const OnReaped& on_reaped);

/// Descendants of this process that still run; zombies are not in it.
std::vector<ProcEntry> living_descendants();

/// Sends SIGKILL to all descendants, again and again (they may fork), until none is left, not even as a
/// zombie, or `bound_s` is over; then those that still run, with the state that keeps them. Reaps meanwhile.
/// Blocks.
std::vector<ProcEntry> kill_descendants(double bound_s, const OnReaped& on_reaped);

/// Processes of this user that carry the mark of launch `launch` of job `job`, wherever they are: they
/// escaped (another parent adopted them). This process and its ancestors are never in it. A process that
/// overwrote or cleared its environment is not found.
std::vector<ProcEntry> escaped(const std::string& launch, const std::string& job);

/// Whether a process is a rank of a step of its own (agent/ranks.hpp), which was never below an agent.
bool is_rank_of_step(pid_t pid);

/// As kill_descendants, for processes that are not ours to reap.
std::vector<ProcEntry> kill_processes(std::vector<ProcEntry> processes, double bound_s);

/// Members of one process's tree: its descendants, its session, and our other descendants with its mark.
/// `leader` may have ended. Zombies are not in it.
std::vector<ProcEntry> tree_of(pid_t leader, const std::string& id);

} // namespace railhead
