#include "rules/gpu_type.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

namespace railhead {
namespace {

bool same_but_for_case(const std::string& a, const std::string& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// What the user most likely means among `pools`: the same word in another case, else the most frequent one.
const GpuPool& likeliest(const std::vector<GpuPool>& pools, const std::string& type) {
    auto found = std::find_if(pools.begin(), pools.end(),
                              [&](const GpuPool& pool) { return same_but_for_case(pool.type, type); });
    return found == pools.end() ? pools.front() : *found;
}

/// The same request for GPUs of `pool`, as many as there are at most; empty when there are none for it.
std::string option_from(const GpuPool& pool, const GresItem& item, const JobRequest& job,
                        const Inventory& inventory, const Partitions& partitions) {
    auto wanted = item;
    wanted.type = pool.type;
    auto most = pool.per_node;
    if (item.per == Per::task) most /= tasks_on_one_node(job);
    if (item.per == Per::job)
        most = most_gpus(inventory, partitions, pool.type, job.nodes_max.value_or(UINT32_MAX), job.lifts);
    wanted.count = std::min(item.count, most);
    return wanted.count == 0 ? "" : option_for(wanted, item, job);
}

std::string next_step(const Inventory& inventory, const Partitions& partitions, const GresItem& item,
                      const JobRequest& job) {
    // An option in the place of this one would lose the others.
    auto is_gpu = [](const GresItem& other) { return other.gres == "gpu"; };
    if (std::count_if(job.gpus.items.begin(), job.gpus.items.end(), is_gpu) > 1) return "leave it out";
    std::vector<std::string> ways;
    auto pools = gpu_pools(inventory, partitions);
    ways.push_back(option_from(likeliest(pools, item.type), item, job, inventory, partitions));
    add_ways(ways, partitions_with(inventory, partitions, demand_of(item, job)), job);
    return try_one_of(std::move(ways));
}

} // namespace

std::optional<Finding> gpu_type_rule(const JobRequest& job, const Inventory& inventory,
                                     const Partitions& partitions) {
    if (gpu_pools(inventory, partitions).empty()) return std::nullopt; // partition_kind_rule's
    for (const auto& item : job.gpus.items) {
        if (item.gres != "gpu" || item.type.empty()) continue;
        if (most_gpus_per_node(inventory, partitions, item.type) > 0) continue;
        return Finding{.id = "gpu-type",
                       .level = Level::fail,
                       .thing = "gpu:" + item.type,
                       .seen = fmt::format("is not in {} ({} {})", describe(partitions), has(partitions),
                                           describe(gpu_pools(inventory, partitions))),
                       .next = next_step(inventory, partitions, item, job)};
    }
    return std::nullopt;
}

} // namespace railhead
