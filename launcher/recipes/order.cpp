#include "launcher/recipes/recipe.hpp"

#include <algorithm>
#include <map>

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

NodeOrder order_nodes(const LaunchInput& input) {
    // Leaf groups in the order in which Slurm's list first names them, so that node 0 stays where the batch
    // script runs.
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < input.hellos.size(); ++i)
        first.try_emplace(leaf_of(input.hellos[i].topology_addr), i);
    NodeOrder order;
    for (std::size_t i = 0; i < input.hellos.size(); ++i) order.from.push_back(i);
    std::ranges::stable_sort(order.from, {},
                             [&](std::size_t i) { return first[leaf_of(input.hellos[i].topology_addr)]; });
    for (auto i : order.from) {
        const auto& hello = input.hellos[i];
        order.nodes.push_back({.name = hello.node,
                               .address = hello.addresses.empty() ? hello.node : hello.addresses.front(),
                               .component = hello.component,
                               .leaf = leaf_of(hello.topology_addr)});
    }
    return order;
}

Result<void> check_program(const LaunchInput& input, const NodeOrder& order, Where where) {
    for (std::size_t place = 0; place < (where == Where::head ? 1 : order.from.size()); ++place)
        for (const auto& finding : input.hellos[order.from[place]].findings)
            if (finding.id.starts_with(program_probe_name)) return fail(ErrorKind::bringup_failed, finding);
    return {};
}

Plan plan_frame(const LaunchInput& input, std::string recipe, const NodeOrder& order) {
    Plan plan;
    plan.recipe = std::move(recipe);
    plan.order = order.nodes;
    for (const auto& hello : input.hellos) plan.gpus += static_cast<int>(hello.gpus.size());
    plan.port_range = input.settings.text(Key::launch_ports);
    plan.bringup_timeout_s = input.settings.seconds(Key::launch_bringup_timeout);
    plan.loss_after_s = input.settings.seconds(Key::launch_loss_after);
    plan.grace_s = input.settings.seconds(Key::launch_grace);
    return plan;
}

std::string literal(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
        out += text.substr(i, 2) == "${" ? std::string("${$}") : std::string(1, text[i]);
    return out;
}

std::map<std::string, std::string> user_environment(const LaunchInput& input, const NodeOrder& order,
                                                    int node) {
    std::map<std::string, std::string> env{{"RAILHEAD_JOB_DIR", "${dir}"},
                                           {"RAILHEAD_LOG_DIR", "${dir}/logs"},
                                           {"RAILHEAD_NUM_NODES", std::to_string(order.nodes.size())},
                                           {"RAILHEAD_NODE_RANK", std::to_string(node)},
                                           {"RAILHEAD_HEAD_ADDR", "${addr.0}"}};
    for (auto& [name, value] : input.env) env[name] = literal(value);
    return env;
}

} // namespace railhead
