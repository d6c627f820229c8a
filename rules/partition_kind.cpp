#include "rules/partition_kind.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

bool has_gpus(const NodeClass& node) {
    return std::any_of(node.gres.begin(), node.gres.end(),
                       [](const NodeGres& gres) { return gres.gres == "gpu" && gres.count > 0; });
}

bool every_node_has_gpus(const Inventory& inventory, const Partitions& partitions) {
    return std::all_of(partitions.begin(), partitions.end(), [&](const Partition* partition) {
        return std::all_of(partition->class_sizes.begin(), partition->class_sizes.end(),
                           [&](auto& size) { return has_gpus(inventory.classes[size.first]); });
    });
}

/// The open ones of nodes without GPUs.
Partitions partitions_without_gpus(const Inventory& inventory) {
    Partitions found;
    for (const auto& partition : inventory.partitions)
        if (may_be_proposed(partition, inventory) && gpu_pools(inventory, {&partition}).empty())
            found.push_back(&partition);
    return found;
}

Finding no_gpus_there(const GresItem& item, const JobRequest& job, const Inventory& inventory,
                      const Partitions& partitions) {
    std::vector<std::string> ways;
    add_ways(ways, partitions_with(inventory, partitions, demand_of(item, job)), job);
    auto any = partitions_with(inventory, partitions, {});
    std::string next = "leave it out";
    if (!ways.empty())
        next = try_one_of(std::move(ways));
    else if (!any.empty())
        next = fmt::format("ask for what partition {} has ({})", any[0]->name,
                           describe(gpu_pools(inventory, {any[0]})));
    return {.id = "partition-kind",
            .level = Level::fail,
            .thing = spelled(item),
            .seen = fmt::format("is asked of {}, which {} no GPUs", describe(partitions), has(partitions)),
            .next = std::move(next)};
}

Finding no_gpus_asked(const JobRequest& job, const Inventory& inventory, const Partitions& partitions) {
    std::vector<std::string> ways;
    if (!job.cpus_per_gpu && !job.memory_per_gpu_mib) add_ways(ways, partitions_without_gpus(inventory), job);
    return {.id = "partition-kind",
            .level = Level::warn,
            .thing = "no GPU",
            .seen = fmt::format("is asked of {} ({})", describe(partitions),
                                describe(gpu_pools(inventory, partitions))),
            .next = "add --gpus-per-node=N" + (ways.empty() ? "" : " or " + try_one_of(std::move(ways)))};
}

} // namespace

std::optional<Finding> partition_kind_rule(const JobRequest& job, const Inventory& inventory,
                                           const Partitions& partitions) {
    const auto items = gpu_items(job);
    if (!items.empty() && gpu_pools(inventory, partitions).empty())
        return no_gpus_there(*items.front(), job, inventory, partitions);
    auto shares = [](const GresItem& item) { return item.gres == "shard" || item.gres == "mps"; }; // of a GPU
    if (std::any_of(job.gpus.items.begin(), job.gpus.items.end(), shares)) return std::nullopt;
    auto is_whole = [](const Partition* partition) { return partition->whole_nodes; };
    // Whole nodes come with their GPUs.
    if (job.exclusive || std::any_of(partitions.begin(), partitions.end(), is_whole)) return std::nullopt;
    if (items.empty() && !job.tasks_per_gpu && !job.modify && every_node_has_gpus(inventory, partitions))
        return no_gpus_asked(job, inventory, partitions);
    return std::nullopt;
}

} // namespace railhead
