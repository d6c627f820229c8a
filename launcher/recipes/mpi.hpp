#pragma once
#include "launcher/recipes/recipe.hpp"

#include <optional>
#include <string>
#include <vector>

namespace railhead {

struct MpiOptions {
    std::optional<int> per_node;   ///< absent: as many as the node has GPUs, or one
    std::vector<std::string> args; ///< passed on to srun or mpirun, last: they win
    RankFilter shown{};            ///< whose output comes to the console
    bool own_network = false;      ///< the user has told Open MPI which interfaces to use
};

/// The command as ranks of MPI, in the order of the nodes. They are started by srun with PMIx, as a step of
/// its own, or by Open MPI's mpirun; its daemons are started by our agents, so that neither ssh nor srun is
/// needed for it. `railhead ranks` on each node tells how they end (agent/ranks.hpp).
Result<Plan> plan_mpi(const LaunchInput& input, const MpiOptions& options);

/// One clause that says why a rank failed, from the end of its log. Empty when that does not tell.
std::string explain_mpi(const Process& process, const std::vector<std::string>& log);

} // namespace railhead
