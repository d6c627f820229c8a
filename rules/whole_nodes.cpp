#include "rules/whole_nodes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace railhead {
namespace {

/// GPUs that the job takes of each node, where it says so; 0: it does not.
std::uint64_t taken_of_a_node(const JobRequest& job) {
    std::uint64_t taken = 0;
    for (const auto* item : gpu_items(job)) {
        auto count = item->count;
        if (item->per == Per::task) {
            if (!job.tasks_per_node || __builtin_mul_overflow(count, *job.tasks_per_node, &count)) return 0;
        } else if (item->per != Per::node) {
            return 0;
        }
        if (__builtin_add_overflow(taken, count, &taken)) return 0;
    }
    return taken;
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
    auto taken = taken_of_a_node(job);
    const auto items = gpu_items(job);
    if (taken == 0 || items.size() != 1) return std::nullopt;
    auto least = least_of_a_node(inventory, partitions, items.front()->type, taken);
    if (least <= taken) return std::nullopt;
    auto gpus = taken * nodes;
    std::string ways =
        gpus % least == 0
            ? fmt::format("try --nodes={} --gpus-per-node={}{}{}, or add --exclusive", gpus / least,
                          items.front()->type, items.front()->type.empty() ? "" : ":", least)
            : "add --exclusive";
    return Finding{.id = "whole-nodes",
                   .level = Level::fail,
                   .thing = fmt::format("{} of {} GPUs on each of {} nodes", taken, least, nodes),
                   .seen = "need not lie on the same rails",
                   .next = std::move(ways)};
}

} // namespace railhead
