#include "rules/whole_nodes.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

/// GPUs that the job takes of each node, where it says so; 0: it does not.
std::uint64_t taken_of_a_node(const GresItem& item, const JobRequest& job) {
    if (item.per == Per::node) return item.count;
    return item.per == Per::task && job.tasks_per_node ? product(item.count, *job.tasks_per_node) : 0;
}

/// The same GPUs on whole nodes, in the option that was typed; empty when they do not come out even.
std::string on_whole_nodes(const GresItem& item, const JobRequest& job, std::uint64_t gpus,
                           std::uint64_t of_a_node) {
    if (item.per != Per::node || gpus % of_a_node != 0) return "";
    auto wanted = item;
    wanted.count = of_a_node;
    return fmt::format("--nodes={} {}", gpus / of_a_node, option_for(wanted, item, job));
}

/// The fewest GPUs of a node that could take the job.
std::uint64_t least_of_a_node(const Inventory& inventory, const Partitions& partitions,
                              const std::string& type, std::uint64_t taken) {
    std::uint64_t least = 0;
    for (const auto& pool : of_type(gpu_pools(inventory, partitions), type))
        if (pool.per_node >= taken && (least == 0 || pool.per_node < least)) least = pool.per_node;
    return least;
}

} // namespace

std::optional<Finding> whole_nodes_rule(const JobRequest& job, const Inventory& inventory,
                                        const Partitions& partitions) {
    auto nodes = job.nodes_min.value_or(1);
    bool partition_gives_whole = std::all_of(partitions.begin(), partitions.end(),
                                             [](const Partition* each) { return each->whole_nodes; });
    if (nodes < 2 || job.exclusive || job.modify || partition_gives_whole) return std::nullopt;
    const auto items = gpu_items(job);
    if (items.size() != 1) return std::nullopt;
    const auto& item = *items.front();
    auto taken = taken_of_a_node(item, job);
    if (taken == 0) return std::nullopt;
    auto least = least_of_a_node(inventory, partitions, item.type, taken);
    if (least <= taken) return std::nullopt;
    return Finding{.id = "whole-nodes",
                   .level = Level::fail,
                   .thing = fmt::format("{} of {} GPUs on each of {} nodes", taken, least, nodes),
                   .seen = "need not lie on the same rails",
                   .next =
                       try_one_of({on_whole_nodes(item, job, product(taken, nodes), least), "--exclusive"})};
}

} // namespace railhead
