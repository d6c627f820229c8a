#pragma once
#include "base/environment.hpp"
#include "base/finding.hpp"
#include "slurm/allocation.hpp"
#include "slurm/srun_options.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// What decides the step that carries the agents.
struct StepSpec {
    std::string program;      ///< railhead's own path, the same on all nodes
    bool broadcast = false;   ///< the path is missing on a node: srun copies the program there (--bcast)
    std::string broadcast_to; ///< where to, with `broadcast`
    std::string slurm;        ///< its version, as `scontrol --version` says it
    std::vector<std::string> srun_args;     ///< --srun-arg, last: they win
    std::map<std::string, std::string> env; ///< what the step's environment says besides
};

/// The command line of the step of one component. Everything that decides its shape is said: nothing is left
/// to SLURM_*, SRUN_* or slurm.conf (srun(1); DECISIONS: "srun is given everything").
std::vector<std::string> srun_command(const Allocation& allocation, std::size_t component,
                                      const StepSpec& spec);

/// The node that a line of srun's standard error says has started its task. All versions say it with
/// --verbose: "srun: Node node2, 1 tasks started" (_task_start() in src/srun/launch.c; 22.05 names its plugin
/// before "Node"). Null: the line says something else.
std::optional<std::string> node_that_started(std::string_view line);
/// Tasks that ended by themselves.
struct TasksEnded {
    std::vector<std::string> nodes;
    std::string how; ///< "Exited with exit code 2", "Completed"
};
/// From "srun: error: node[1-2]: tasks 0-1: Exited with exit code 2" or "srun: node3: task 2: Completed"
/// (src/srun/task_state.c, launch.c of all versions). Null: the line says something else, or was killed.
std::optional<TasksEnded> tasks_that_ended(std::string_view line);
/// A remark of srun's that --quiet would have kept to itself.
bool is_chatter(std::string_view line);

/// What --container= of the step says; empty: nothing.
std::string container_of(const Allocation& allocation, const StepSpec& spec);
/// A container that nodes lack, by what was said on srun's standard error: by slurmstepd, which reads the
/// image's config.json, or by the site's runtime, which names the path. `ended`: nodes on which tasks have
/// ended by themselves. Null: nothing such was said.
std::optional<Finding> missing_container(const std::string& container, std::string_view words,
                                         const std::vector<std::string>& ended);

/// The environment for our own srun: without the variables that srun takes as options (srun(1) "INPUT
/// ENVIRONMENT VARIABLES"), with those that describe the job to the user's program, and with `added`.
std::map<std::string, std::string> srun_environment(const Environment& environment,
                                                    std::map<std::string, std::string> added = {});

/// `railhead step -- srun ...`: executes it with srun_environment(). Returns when that failed: an exit code.
int become_srun(const Environment& environment, const std::vector<std::string>& command);

/// What the batch script was asked for with, for the user's programs: our own srun must not see these.
/// Without memory, of which srun takes one form only and the agents' step has its own, and without totals,
/// which fit no srun on fewer nodes.
std::map<std::string, std::string> requests_of_job(const Environment& environment);

} // namespace railhead
