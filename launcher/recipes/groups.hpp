#pragma once
#include "launcher/recipes/recipe.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// How a group tells that it is ready: its first rank on its first node is looked at.
struct Gate {
    std::string text; ///< as typed, "http:8000/health"
    std::string kind; ///< "port", "http", "file" or "line"
    std::string arg;  ///< "8000", "8000/health", a path, a regular expression
};

/// One of several programs of a launch, with its own ranks.
struct RunGroup {
    std::string name;
    std::string nodes;           ///< "all", "0-1,3" (places in rank order), "het:1", or a host list
    std::optional<Gate> gate;    ///< with one its processes are services, else ranks
    std::optional<int> per_node; ///< absent: as RunOptions::per_node
    std::vector<std::string> command;
};

/// A group's options as typed.
struct GroupOptions {
    std::string group, ready; ///< empty: not given
    std::optional<int> per_node;
};

/// The first group has its options before the two dashes; `words` stand behind them: its command, then
/// `--group NAME=NODES ... -- COMMAND` for each other. Error (usage) names the word that is wrong.
Result<std::vector<RunGroup>> groups_from(const GroupOptions& first, const std::vector<std::string>& words);

/// "SERVER" of "server": what stands for it in the names of variables.
std::string variable_of_group(std::string_view name);

/// For Invitation::probe_args: the program of each group, which its nodes must have.
std::map<std::string, std::string> probes_of(const std::vector<RunGroup>& groups);

/// A group starts when all before it that have a gate are ready. The launch ends when the ranks of all groups
/// without a gate have ended, or one of anything has failed; without such a group it stays up.
/// Error (usage): nodes that the launch does not have; (bringup_failed): a program that a node lacks.
/// `shown`: of each group's ranks.
Result<Plan> plan_groups(const LaunchInput& input, const std::vector<RunGroup>& groups,
                         const RankFilter& shown);

} // namespace railhead
