#pragma once
#include "base/error.hpp"
#include "launcher/plan.hpp"
#include "launcher/recipes/rank_filter.hpp"
#include "launcher/wire.hpp"
#include "policy/settings.hpp"
#include "slurm/allocation.hpp"

#include <map>
#include <optional>
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
    int restarts = 0;                       ///< of this launch, before this start
    std::string secret;                     ///< 64 hex digits made for this launch (Ray's token)
    bool terminal = false;                  ///< the driver gets a terminal
    bool input = false;                     ///< the user's processes get our standard input
    std::string slurm{};                    ///< its version, as `scontrol --version` says it
};

/// CPUs that the job has on a node: as Slurm allocated them, for affinity shows them only where cores are
/// confined. Without that number, the affinity.
int allocated_cpus(const Allocation& allocation, const Hello& hello);

/// The order of the nodes by launch.order, with addresses and leaf groups. By topology: neighbours share leaf
/// groups, inside a group as Slurm lists them. Error (usage): launch.order does not name the job's nodes.
/// `hellos[i]` describes the node that stands at index i of the returned vector's `from`.
struct NodeOrder {
    std::vector<PlanNode> nodes;
    std::vector<std::size_t> from; ///< index into LaunchInput::hellos for each place
};
Result<NodeOrder> order_nodes(const LaunchInput& input);
NodeOrder part_of(const NodeOrder& order, const std::vector<int>& places);

/// The command, or the folder in which we were started, is there: on the head only, or on every node. Error
/// (bringup_failed) names the nodes without.
enum class Where { head, every_node };
Result<void> check_program(const LaunchInput& input, const NodeOrder& order, Where where,
                           std::string_view probe = program_probe_name);
Result<void> check_folder(const LaunchInput& input, const NodeOrder& order, Where where);
/// Both, on every node.
Result<void> check_ranks(const LaunchInput& input, const NodeOrder& order,
                         std::string_view probe = program_probe_name);

/// For Plan::notes, a line for all nodes of a kind: where programs see fewer GPUs than the job has there; and
/// where that is another number than that of the ranks (by place in the order).
std::vector<std::string> notes_of_hidden_gpus(const LaunchInput& input, const NodeOrder& order);
std::vector<std::string> notes_of_gpus(const LaunchInput& input, const NodeOrder& order,
                                       const std::vector<int>& ranks);

/// The fields of the plan that are the same for every recipe: order, bounds, what each node runs before and
/// after, what is to be said of its GPUs.
Plan plan_frame(const LaunchInput& input, std::string recipe, const NodeOrder& order);

/// A user's text in a field with placeholders (launcher/plan.hpp): comes out as it was written.
std::string literal(std::string_view text);
std::vector<std::string> literal(const std::vector<std::string>& words);

/// Environment that every user process gets: RAILHEAD_JOB_DIR (${dir}), RAILHEAD_NUM_NODES,
/// RAILHEAD_NODE_RANK, RAILHEAD_HEAD_ADDR, --env.
std::map<std::string, std::string> user_environment(const LaunchInput& input, const NodeOrder& order,
                                                    int node);

/// Variables of the step that holds our agents, which tell a library of other ranks than the program's.
/// Process::unset.
std::vector<std::string> variables_of_step();

/// A program's ranks on some of the nodes.
struct RankSet {
    std::string name = "rank"; ///< the processes are NAME.RANK
    std::vector<std::string> command;
    std::vector<int> places;     ///< in NodeOrder::nodes, ascending
    std::optional<int> per_node; ///< absent: as many as the node has GPUs, or one
    std::string ports;           ///< behind the names of its ports: "" or ".NAME"
};
/// The ports at which its ranks meet, on its first node.
void add_ports(Plan& plan, const RankSet& set);
/// Its ranks, which know of each other only, with what libraries look at.
std::vector<Process> processes_of(const LaunchInput& input, const NodeOrder& order, const RankSet& set);
/// Its output to files NAME.out and NAME.err; on the console, too, if it is shown.
void log_to_files(Process& process, const std::string& name, bool shown);

struct RunOptions {
    std::optional<int> per_node{}; ///< absent: as many as the node has GPUs, or one
    RankFilter shown{};            ///< whose output comes to the console
};
/// The command once for each GPU, as ranks in the order of the nodes, with the variables by which
/// torch.distributed, Lightning, Accelerate, DeepSpeed and JAX find each other (railhead(1), ENVIRONMENT).
/// Several ranks write to files that are shown; one alone has our own output.
/// The smallest recipe, on which every kind of end is tested.
Result<Plan> plan_run(const LaunchInput& input, const RunOptions& options);

} // namespace railhead
