#include "launcher/recipes/recipe.hpp"

#include <fmt/core.h>

namespace railhead {

Result<Plan> plan_run(const LaunchInput& input, const RunOptions& options) {
    auto order = order_nodes(input);
    if (auto checked = check_program(input, order, Where::every_node); !checked)
        return tl::unexpected(std::move(checked.error()));
    auto plan = plan_frame(input, "run", order);
    int world = static_cast<int>(order.nodes.size()) * options.tasks_per_node;
    for (int node = 0, rank = 0; node < static_cast<int>(order.nodes.size()); ++node)
        for (int local = 0; local < options.tasks_per_node; ++local, ++rank) {
            Process process{
                .id = fmt::format("rank.{}", rank), .node = node, .role = Role::rank, .argv = input.command};
            process.env = user_environment(input, order, node);
            process.env["RANK"] = std::to_string(rank);
            process.env["LOCAL_RANK"] = std::to_string(local);
            process.env["WORLD_SIZE"] = std::to_string(world);
            process.cwd = literal(input.cwd);
            process.input = input.input;
            process.stop.grace_s = plan.grace_s;
            process.milestones = {{.name = "started", .kind = "started"}};
            plan.processes.push_back(std::move(process));
        }
    return plan;
}

} // namespace railhead
