#include "launcher/rank_words.hpp"
#include "launcher/recipes/recipe.hpp"

#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

namespace railhead {
namespace {

struct Place {
    int node = 0, rank = 0, local = 0;
};

/// How many ranks each node has, by its place in the order.
std::vector<int> ranks_of_nodes(const LaunchInput& input, std::optional<int> per_node,
                                const NodeOrder& order) {
    std::vector<int> ranks;
    for (auto index : order.from)
        ranks.push_back(per_node.value_or(std::max(1, static_cast<int>(input.hellos[index].gpus.size()))));
    return ranks;
}

/// "8(x4),2", as Slurm writes it.
std::string tasks_per_node(const std::vector<int>& ranks) {
    std::string text;
    for (std::size_t i = 0; i < ranks.size();) {
        auto same = i;
        while (same < ranks.size() && ranks[same] == ranks[i]) ++same;
        text += fmt::format("{}{}{}", text.empty() ? "" : ",", ranks[i],
                            same - i > 1 ? fmt::format("(x{})", same - i) : "");
        i = same;
    }
    return text;
}

/// What libraries look at: the names of torchrun, and those of srun, which would else tell of the step that
/// holds our agents.
std::map<std::string, std::string> rank_environment(const NodeOrder& order, const std::vector<int>& ranks,
                                                    const Place& place, const RankSet& set) {
    std::vector<std::string> names;
    for (const auto& node : order.nodes) names.push_back(node.name);
    auto world = std::to_string(std::accumulate(ranks.begin(), ranks.end(), 0));
    auto here = std::to_string(ranks[static_cast<std::size_t>(place.node)]);
    auto rank = std::to_string(place.rank), local = std::to_string(place.local),
         node = std::to_string(place.node);
    auto nodes = std::to_string(order.nodes.size());
    auto address = fmt::format("${{addr.{}}}", set.places.front());
    return {{"RANK", rank},
            {"LOCAL_RANK", local},
            {"WORLD_SIZE", world},
            {"LOCAL_WORLD_SIZE", here},
            {"NODE_RANK", node},
            {"GROUP_RANK", node},
            {"MASTER_ADDR", address},
            {"MASTER_PORT", fmt::format("${{port.master{}}}", set.ports)},
            {"JAX_COORDINATOR_ADDRESS", fmt::format("{}:${{port.jax{}}}", address, set.ports)},
            {"SLURM_PROCID", rank},
            {"SLURM_LOCALID", local},
            {"SLURM_NODEID", node},
            {"SLURM_NTASKS", world},
            {"SLURM_NPROCS", world},
            {"SLURM_NNODES", nodes},
            {"SLURM_TASKS_PER_NODE", tasks_per_node(ranks)},
            {"SLURM_STEP_NUM_TASKS", world},
            {"SLURM_STEP_NUM_NODES", nodes},
            {"SLURM_STEP_TASKS_PER_NODE", tasks_per_node(ranks)},
            {"SLURM_STEP_NODELIST", compress_hostlist(names)}};
}

} // namespace

void log_to_files(Process& process, const std::string& name, bool shown) {
    process.log = name + ".out";
    process.error_log = name + ".err";
    if (shown) process.console = fmt::format("[{}] ", name);
}

void add_ports(Plan& plan, const RankSet& set) {
    for (const auto* name : {"master", "jax"})
        plan.ports.push_back({.name = name + set.ports, .node = set.places.front()});
}

std::vector<Process> processes_of(const LaunchInput& input, const NodeOrder& order, const RankSet& set) {
    const auto part = part_of(order, set.places);
    const auto ranks = ranks_of_nodes(input, set.per_node, part);
    std::vector<Process> processes;
    Place place;
    for (; place.node < static_cast<int>(ranks.size()); ++place.node)
        for (place.local = 0; place.local < ranks[static_cast<std::size_t>(place.node)];
             ++place.local, ++place.rank) {
            const auto node = set.places[static_cast<std::size_t>(place.node)];
            Process process{.id = fmt::format("{}.{}", set.name, place.rank),
                            .node = node,
                            .role = Role::rank,
                            .argv = literal(set.command)};
            process.env = user_environment(input, order, node);
            process.env.merge(rank_environment(part, ranks, place, set));
            process.unset = {
                "PMI_*",          "PMIX_*",         "OMPI_*", "SLURM_GTIDS", "SLURM_NTASKS_PER_NODE",
                "TORCHELASTIC_*", "RAILHEAD_GROUP*"};
            process.cwd = literal(input.cwd);
            process.input = input.input;
            process.stop.grace_s = input.settings.seconds(Key::launch_grace);
            process.milestones = {{.name = "started", .kind = "started"}};
            processes.push_back(std::move(process));
        }
    return processes;
}

Result<Plan> plan_run(const LaunchInput& input, const RunOptions& options) {
    auto ordered = order_nodes(input);
    if (!ordered) return tl::unexpected(std::move(ordered.error()));
    const auto& order = *ordered;
    auto checked = check_ranks(input, order);
    if (!checked) return tl::unexpected(std::move(checked.error()));
    auto plan = plan_frame(input, "run", order);
    RankSet set{.command = input.command, .places = {}, .per_node = options.per_node, .ports = {}};
    set.places.resize(order.nodes.size());
    std::iota(set.places.begin(), set.places.end(), 0);
    add_ports(plan, set);
    for (auto& note : notes_of_gpus(input, order, ranks_of_nodes(input, options.per_node, order)))
        plan.notes.push_back(std::move(note));
    plan.processes = processes_of(input, order, set);
    if (auto remark = options.shown.remark(static_cast<int>(plan.processes.size())); !remark.empty())
        plan.notes.push_back(std::move(remark));
    const bool alone = plan.processes.size() == 1 && options.shown.has(0);
    for (int rank = 0; !alone && rank < static_cast<int>(plan.processes.size()); ++rank)
        log_to_files(plan.processes[static_cast<std::size_t>(rank)], rank_log_name(rank),
                     options.shown.has(rank));
    return plan;
}

} // namespace railhead
