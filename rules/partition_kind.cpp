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

/// An open partition of nodes without GPUs.
const Partition* partition_without_gpus(const Inventory& inventory, const JobRequest& job) {
    for (const auto& partition : inventory.partitions)
        if (partition.open && partition.nodes.size() >= job.nodes_min.value_or(1) &&
            gpu_pools(inventory, {&partition}).empty())
            return &partition;
    return nullptr;
}

Finding no_gpus_there(const GresItem& item, const JobRequest& job, const Inventory& inventory,
                      const Partitions& partitions) {
    const auto* other = partition_with(inventory, partitions, demand_of(item, job));
    const auto* any = partition_with(inventory, partitions, {});
    auto next = other ? "try " + option_for(*other, job)
                : any ? fmt::format("try {}, which has {}", option_for(*any, job),
                                    describe(gpu_pools(inventory, {any})))
                      : "leave it out";
    return {.id = "partition-kind",
            .level = Level::fail,
            .thing = spelled(item),
            .seen = fmt::format("is asked of {}, which ha{} no GPUs", describe(partitions),
                                partitions.size() == 1 ? "s" : "ve"),
            .next = std::move(next)};
}

Finding no_gpus_asked(const JobRequest& job, const Inventory& inventory, const Partitions& partitions) {
    const auto* other = partition_without_gpus(inventory, job);
    return {.id = "partition-kind",
            .level = Level::warn,
            .thing = "no GPU",
            .seen = fmt::format("is asked of {} ({})", describe(partitions),
                                describe(gpu_pools(inventory, partitions))),
            .next = "add --gpus-per-node=N" + (other ? " or try " + option_for(*other, job) : "")};
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
    if (items.empty() && !job.modify && every_node_has_gpus(inventory, partitions))
        return no_gpus_asked(job, inventory, partitions);
    return std::nullopt;
}

} // namespace railhead
