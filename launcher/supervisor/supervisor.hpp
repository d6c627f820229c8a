#pragma once
#include "base/clock.hpp"
#include "base/environment.hpp"
#include "launcher/recipes/recipe.hpp"
#include "launcher/supervisor/outcome.hpp"
#include "policy/settings.hpp"
#include "slurm/allocation.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace railhead {

enum class DryRun { no, yes };
enum class Output { lines, json };

/// What was found to be wrong with the nodes of a job, the worst first.
struct Looked {
    std::vector<std::string> nodes;
    std::size_t connects = 0; ///< that were tried between them
    std::vector<Finding> findings;
};

/// Everything a launch starts from.
struct LaunchSpec {
    std::string recipe;
    Environment environment;
    Allocation allocation;
    double begun_s = monotonic_s(); ///< all times of the launch count from here
    std::string slurm;              ///< its version, as `scontrol --version` says it; supervise() asks
    bool batch = false;             ///< the job is of sbatch; supervise() asks
    std::string no_requeue;         ///< why Slurm would not requeue the job, and what to do; supervise() asks
    Settings settings;
    std::vector<std::string> command;
    std::map<std::string, std::string> env;
    std::vector<std::string> srun_args;
    DryRun dry_run = DryRun::no;
    Output output = Output::lines;
    /// Set: nothing is started; each node is looked at, the nodes connect to each other, and this is told of
    /// it.
    std::function<void(const Looked&)> looked;
    std::vector<std::string> probes; ///< see Invitation
    std::map<std::string, std::string> probe_args;
    std::function<Result<Plan>(const LaunchInput&)> plan;
    Explain explain;
};

/// Runs the launch to its end and returns the exit code. Single-threaded; owns the process's signals
/// meanwhile.
int supervise(LaunchSpec spec);

} // namespace railhead
