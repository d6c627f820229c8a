#include "rules/uneven.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {

std::optional<Finding> uneven_rule(const JobRequest& job, const Inventory& inventory,
                                   const Partitions& partitions) {
    const auto items = gpu_items(job);
    if (items.size() != 1 || items.front()->per != Per::job || job.modify) return std::nullopt;
    const auto& item = *items.front();
    auto most = most_gpus_per_node(inventory, partitions, item.type);
    if (most == 0) return std::nullopt;
    auto nodes = std::max<std::uint64_t>(job.nodes_min.value_or(1), (item.count + most - 1) / most);
    if (nodes < 2 || item.count < nodes) return std::nullopt; // one node; or not enough, which Slurm says
    auto most_nodes =
        std::min(job.nodes_max.value_or(UINT32_MAX), nodes_for_a_job(inventory, partitions, job.lifts));
    if (nodes > most_nodes) return std::nullopt; // other rules'
    // Every node gives all it has, or the one that each node of a job must give.
    bool exact = job.nodes_max == nodes && item.count % nodes == 0 &&
                 (item.count / nodes == most || item.count == nodes);
    if (exact) return std::nullopt;
    auto next = "say how many each node gives, with --gpus-per-node";
    auto wanted = item;
    wanted.per = Per::node;
    wanted.count = item.count / nodes;
    bool even = item.count % nodes == 0 && wanted.count <= most;
    return Finding{.id = "uneven",
                   .level = Level::fail,
                   .thing = spelled(item),
                   .seen = fmt::format("{} over {} nodes",
                                       even ? "need not be spread evenly" : "does not come out even", nodes),
                   .next = even ? fmt::format("try --nodes={} --gpus-per-node={}{}{}", nodes, item.type,
                                              item.type.empty() ? "" : ":", wanted.count)
                                : next};
}

} // namespace railhead
