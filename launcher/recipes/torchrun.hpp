#pragma once
#include "launcher/recipes/recipe.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace railhead {

/// How the words after the two dashes are run, as torchrun's own options say it.
enum class Entry {
    script,  ///< by the Python of torchrun
    module,  ///< python -m
    program, ///< as they are (--no-python)
};

struct TorchrunOptions {
    std::optional<int> nproc_per_node; ///< absent: as many as the node has GPUs, or one
    Entry entry = Entry::script;
    std::optional<std::pair<int, int>> elastic; ///< nodes at least and at most: rendezvous c10d
    bool restarts = false;                      ///< torchrun may start the ranks anew: c10d, too
    bool own_logs = false;                      ///< the user says how torchrun treats the ranks' output
    bool own_threads = false;                   ///< the user has set OMP_NUM_THREADS
    RankFilter shown{};                         ///< of the ranks as they are numbered at the start
    std::vector<std::string> args;              ///< passed on to torchrun
};

/// "2:4". Error (usage) says what was seen and expected.
Result<std::pair<int, int>> elastic_from(const std::string& text);

/// torchrun on every node: static rendezvous in the order of the nodes at a port of the first one, or c10d
/// where the ranks may start anew. Every other node tries first whether it reaches that port. Each rank is
/// started by `railhead task`, which tells how it ended.
Result<Plan> plan_torchrun(const LaunchInput& input, const TorchrunOptions& options);

/// One clause that says why a rank failed, from the end of its log. Empty when that does not tell.
std::string explain_torch(const Process& process, const std::vector<std::string>& log);

} // namespace railhead
