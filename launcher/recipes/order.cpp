#include "launcher/recipes/recipe.hpp"

#include "slurm/hostlist.hpp"

#include <algorithm>
#include <csignal>
#include <map>
#include <numeric>

namespace railhead {
namespace {

// "spine.leaf1.node1" (srun(1), SLURM_TOPOLOGY_ADDR): the leaf group stands before the node. No dot: no
// topology is configured.
std::string leaf_of(const std::string& topology_addr) {
    auto node = topology_addr.rfind('.');
    if (node == std::string::npos || node == 0) return {};
    auto before = topology_addr.rfind('.', node - 1);
    return topology_addr.substr(before == std::string::npos ? 0 : before + 1,
                                node - (before == std::string::npos ? 0 : before + 1));
}

/// Leaf groups in the order in which Slurm's list first names them, so that node 0 stays where the batch
/// script runs.
std::vector<std::size_t> by_topology(const std::vector<Hello>& hellos) {
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < hellos.size(); ++i) first.try_emplace(leaf_of(hellos[i].topology_addr), i);
    std::vector<std::size_t> places(hellos.size());
    std::iota(places.begin(), places.end(), 0);
    std::ranges::stable_sort(places, {},
                             [&](std::size_t i) { return first[leaf_of(hellos[i].topology_addr)]; });
    return places;
}

Error no_order(const std::string& text, std::string seen, const std::vector<std::string>& nodes) {
    return {ErrorKind::usage,
            {.id = "order",
             .thing = "--order " + text,
             .seen = std::move(seen),
             .expected = "topology, slurm, or each of " + compress_hostlist(nodes, 8) + " once"}};
}

/// The hellos in the order of a hostlist that names each node once.
Result<std::vector<std::size_t>> by_list(const LaunchInput& input, const std::string& text) {
    std::vector<std::string> nodes;
    for (const auto& hello : input.hellos) nodes.push_back(hello.node);
    const auto of_job = input.allocation.nodes();
    auto names = expand_hostlist(text);
    if (!names) return tl::unexpected(no_order(text, "is no list of nodes", nodes));
    std::vector<std::size_t> places;
    std::vector<bool> taken(nodes.size()); // parts of a heterogeneous job may share a node
    for (const auto& name : *names) {
        std::size_t at = 0;
        while (at < nodes.size() && (taken[at] || nodes[at] != name)) ++at;
        const bool lost =
            std::ranges::find(nodes, name) == nodes.end() && std::ranges::find(of_job, name) != of_job.end();
        if (lost) continue; // or kept for a loss
        if (at == nodes.size())
            return tl::unexpected(no_order(text,
                                           std::ranges::find(nodes, name) == nodes.end()
                                               ? "names " + name + ", which the job does not have"
                                               : "names " + name + " twice",
                                           nodes));
        taken[at] = true;
        places.push_back(at);
    }
    auto left = std::ranges::find(taken, false);
    if (left != taken.end())
        return tl::unexpected(
            no_order(text, "leaves out " + nodes[static_cast<std::size_t>(left - taken.begin())], nodes));
    return places;
}

Result<std::vector<std::size_t>> places_of(const LaunchInput& input) {
    const auto& order = input.settings.text(Key::launch_order);
    if (order == "topology") return by_topology(input.hellos);
    if (order != "slurm") return by_list(input, order);
    std::vector<std::size_t> places(input.hellos.size());
    std::iota(places.begin(), places.end(), 0);
    return places;
}

} // namespace

int allocated_cpus(const Allocation& allocation, const Hello& hello) {
    auto component = static_cast<std::size_t>(hello.component);
    if (component < allocation.components.size()) {
        const auto& part = allocation.components[component];
        auto found = std::ranges::find(part.nodes, hello.node);
        auto place = static_cast<std::size_t>(found - part.nodes.begin());
        if (found != part.nodes.end() && place < part.cpus.size()) return part.cpus[place];
    }
    return static_cast<int>(hello.cpus.size());
}

Result<NodeOrder> order_nodes(const LaunchInput& input) {
    auto places = places_of(input);
    if (!places) return tl::unexpected(std::move(places.error()));
    NodeOrder order{.nodes = {}, .from = std::move(*places)};
    for (auto i : order.from) {
        const auto& hello = input.hellos[i];
        order.nodes.push_back({.name = hello.node,
                               .address = hello.addresses.empty() ? hello.node : hello.addresses.front(),
                               .component = hello.component,
                               .leaf = leaf_of(hello.topology_addr)});
    }
    return order;
}

NodeOrder part_of(const NodeOrder& order, const std::vector<int>& places) {
    NodeOrder part;
    for (auto place : places) {
        part.nodes.push_back(order.nodes[static_cast<std::size_t>(place)]);
        part.from.push_back(order.from[static_cast<std::size_t>(place)]);
    }
    return part;
}

namespace {

/// The user's command once per node.
std::vector<Process> hooks(const LaunchInput& input, const NodeOrder& order, Key key, const std::string& name,
                           Role role) {
    std::vector<Process> list;
    const auto& command = input.settings.text(key);
    if (command.empty()) return list;
    for (const auto& node : order.nodes) {
        const auto place = static_cast<int>(list.size());
        Process process{.id = name + "." + node.name,
                        .node = place,
                        .role = role,
                        .argv = literal(std::vector<std::string>{"sh", "-c", command})};
        process.env = user_environment(input, order, place);
        process.log = name + "-node.log";
        process.stop.signal = SIGKILL;
        list.push_back(std::move(process));
    }
    return list;
}

} // namespace

Plan plan_frame(const LaunchInput& input, std::string recipe, const NodeOrder& order) {
    Plan plan;
    plan.recipe = std::move(recipe);
    plan.order = order.nodes;
    plan.notes = notes_of_hidden_gpus(input, order);
    for (const auto& hello : input.hellos) plan.gpus += static_cast<int>(hello.gpus.size());
    plan.port_range = input.settings.text(Key::launch_ports);
    plan.bringup_timeout_s = input.settings.seconds(Key::launch_bringup_timeout);
    plan.loss_after_s = input.settings.seconds(Key::launch_loss_after);
    plan.grace_s = input.settings.seconds(Key::launch_grace);
    plan.before = hooks(input, order, Key::launch_before_node, "before", Role::hook);
    for (auto& process : plan.before) process.milestones = {{.name = "up", .kind = "exit0"}};
    plan.after = hooks(input, order, Key::launch_after_node, "after", Role::after);
    return plan;
}

std::string literal(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
        out += text.substr(i, 2) == "${" ? std::string("${$}") : std::string(1, text[i]);
    return out;
}

std::vector<std::string> literal(const std::vector<std::string>& words) {
    std::vector<std::string> out;
    for (const auto& word : words) out.push_back(literal(word));
    return out;
}

std::vector<std::string> variables_of_step() {
    return {"SLURM_PROCID",   "SLURM_LOCALID", "SLURM_NODEID",         "SLURM_NTASKS",
            "SLURM_NPROCS",   "SLURM_STEP_*",  "SLURM_TASKS_PER_NODE", "SLURM_GTIDS",
            "SLURM_TASK_PID", "SLURM_SRUN_*",  "SLURM_LAUNCH_*",       "SLURM_NTASKS_PER_NODE"};
}

std::map<std::string, std::string> user_environment(const LaunchInput& input, const NodeOrder& order,
                                                    int node) {
    std::map<std::string, std::string> env{{"RAILHEAD_JOB_DIR", "${dir}"},
                                           {"RAILHEAD_LOG_DIR", "${dir}/logs"},
                                           {"RAILHEAD_NUM_NODES", std::to_string(order.nodes.size())},
                                           {"RAILHEAD_NODE_RANK", std::to_string(node)},
                                           {"RAILHEAD_HEAD_ADDR", "${addr.0}"},
                                           {"RAILHEAD_WARNING", "${dir}/warning"},
                                           {"RAILHEAD_RESTARTS", std::to_string(input.restarts)},
                                           // Else Python would keep what it prints into a file or pipe until
                                           // it ends, and lose it when it is killed.
                                           {"PYTHONUNBUFFERED", "1"}};
    for (auto& [name, value] : input.env) env[name] = literal(value);
    return env;
}

} // namespace railhead
