#pragma once
#include "base/error.hpp"
#include "launcher/plan.hpp"
#include "launcher/wire.hpp"
#include "policy/settings.hpp"
#include "slurm/allocation.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// Everything a recipe may look at. A recipe is a pure function of it and of its own options: no file, no
/// clock, no process.
struct LaunchInput {
    const Allocation& allocation;
    const std::vector<Hello>& hellos; ///< one per node, in the allocation's order
    const Settings& settings;
    std::vector<std::string> command;       ///< the user's; empty: keep what was brought up
    std::map<std::string, std::string> env; ///< --env, for every user process
    std::string cwd;                        ///< where railhead was started
    std::string secret;                     ///< 64 hex digits made for this launch (Ray's token)
    bool terminal = false;                  ///< the driver gets a terminal
    bool input = false;                     ///< the user's processes get our standard input
};

/// CPUs that the job has on a node: as Slurm allocated them, for affinity shows them only where cores are
/// confined. Without that number, the affinity.
int allocated_cpus(const Allocation& allocation, const Hello& hello);

/// The order of the nodes (neighbours share leaf groups, inside a group as Slurm lists them), with addresses
/// and leaf groups. `hellos[i]` describes the node that stands at index i of the returned vector's `from`.
struct NodeOrder {
    std::vector<PlanNode> nodes;
    std::vector<std::size_t> from; ///< index into LaunchInput::hellos for each place
};
NodeOrder order_nodes(const LaunchInput& input);

/// The command is there: on the head only, or on every node. Error (bringup_failed) names the first node
/// without.
enum class Where { head, every_node };
Result<void> check_program(const LaunchInput& input, const NodeOrder& order, Where where);

/// The fields of the plan that are the same for every recipe: order, bounds.
Plan plan_frame(const LaunchInput& input, std::string recipe, const NodeOrder& order);

/// A user's text in a field with placeholders (launcher/plan.hpp): comes out as it was written.
std::string literal(std::string_view text);

/// Environment that every user process gets: RAILHEAD_JOB_DIR (${dir}), RAILHEAD_NUM_NODES,
/// RAILHEAD_NODE_RANK, RAILHEAD_HEAD_ADDR, --env.
std::map<std::string, std::string> user_environment(const LaunchInput& input, const NodeOrder& order,
                                                    int node);

struct RunOptions {
    int tasks_per_node = 1;
};
/// A command on every node: the smallest recipe, on which every kind of end is tested.
Result<Plan> plan_run(const LaunchInput& input, const RunOptions& options);

} // namespace railhead
