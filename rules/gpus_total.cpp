#include "rules/gpus_total.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace railhead {
namespace {

/// Nodes of the partition that one job may have.
std::uint32_t nodes_for_a_job(const Inventory& inventory, const Partition& partition) {
    auto nodes = static_cast<std::uint32_t>(partition.nodes.size());
    return inventory.qos_lifts_nodes ? nodes : std::min(nodes, partition.max_nodes.value_or(nodes));
}

std::string node_count(std::uint64_t nodes) {
    return fmt::format("{} node{}", nodes, nodes == 1 ? "" : "s");
}

std::optional<Finding> too_many_nodes(const JobRequest& job, const Inventory& inventory,
                                      const Partitions& partitions) {
    std::uint32_t most = 0;
    for (const auto* partition : partitions) most = std::max(most, nodes_for_a_job(inventory, *partition));
    if (job.nodes_min.value_or(1) <= most) return std::nullopt;
    auto has = [&](const Partition* partition) { return partition->nodes.size() >= *job.nodes_min; };
    bool limited = std::any_of(partitions.begin(), partitions.end(), has);
    return Finding{.id = "gpus-total",
                   .level = Level::fail,
                   .thing = node_count(*job.nodes_min),
                   .seen = fmt::format("are more than {} {} ({})", describe(partitions),
                                       limited ? "gives to one job" : "has", most),
                   .next = most > 0 ? fmt::format("try --nodes={}", most) : ""};
}

/// Slurm does not take a range of nodes down to a partition's MaxNodes: it pends with PartitionNodeLimit.
std::optional<Finding> too_wide_a_range(const JobRequest& job, const Inventory& inventory,
                                        const Partitions& partitions) {
    if (inventory.qos_lifts_nodes || !job.nodes_max) return std::nullopt;
    std::uint32_t most = 0;
    for (const auto* partition : partitions) most = std::max(most, partition->max_nodes.value_or(UINT32_MAX));
    if (*job.nodes_max <= most) return std::nullopt;
    auto least = job.nodes_min.value_or(1);
    return Finding{.id = "gpus-total",
                   .level = Level::fail,
                   .thing = fmt::format("--nodes={}-{}", least, *job.nodes_max),
                   .seen =
                       fmt::format("goes beyond what {} gives to one job ({})", describe(partitions), most),
                   .next = fmt::format("try --nodes={}-{}", least, most)};
}

/// The largest request like this one that the partitions hold.
std::string most_of(const GresItem& item, const JobRequest& job, const Inventory& inventory,
                    const Partitions& partitions) {
    auto works = [&](std::uint64_t count, std::uint32_t nodes) {
        auto wanted = item;
        auto smaller = job;
        wanted.count = count;
        if (nodes > 0) smaller.nodes_min = smaller.nodes_max = nodes;
        return can_hold(inventory, partitions, demand_of(wanted, smaller));
    };
    if (item.per == Per::job) {
        auto wanted = item;
        wanted.count = most_gpus(inventory, partitions, item.type, job.nodes_max.value_or(UINT32_MAX));
        return wanted.count > 0 && works(wanted.count, 0) ? option_for(wanted, item, job) : "";
    }
    auto nodes = nodes_with(inventory, partitions, demand_of(item, job));
    if (nodes == 0 || job.modify || !works(item.count, nodes)) return "";
    return fmt::format("--nodes={}", nodes);
}

/// GPUs of `type` (empty: all) that a component asks for in total.
std::uint64_t gpus_asked(const JobRequest& component, const std::string& type) {
    std::uint64_t sum = 0;
    for (const auto* item : gpu_items(component))
        if (type.empty() || item->type == type) sum += demand_of(*item, component).total;
    return sum;
}

using ClassSizes = std::map<std::uint32_t, std::uint32_t>; // node class -> nodes

/// Of all nodes of the partitions of any component; absent: one is not known.
std::optional<ClassSizes> nodes_of_all(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions) {
    std::set<const Partition*> all(partitions.begin(), partitions.end());
    for (const auto& component : job.earlier) {
        auto its = inventory.partitions_of(component);
        if (its.empty()) return std::nullopt;
        all.insert(its.begin(), its.end());
    }
    if (all.size() == 1) return (*all.begin())->class_sizes;
    ClassSizes sizes;
    std::vector<bool> seen(inventory.nodes.size()); // partitions may share nodes
    for (const auto* partition : all)
        for (auto node : partition->nodes) {
            if (!seen[node]) ++sizes[inventory.nodes[node].node_class];
            seen[node] = true;
        }
    return sizes;
}

/// No node is given to two components (22.05, 24.11 and 26.05: tests/truth). Counted are those that have no
/// other partitions than this one.
std::optional<Finding> too_many_nodes_together(const JobRequest& job, const Inventory& inventory,
                                               const Partitions& partitions) {
    const std::set<const Partition*> mine(partitions.begin(), partitions.end());
    const auto is_mine = [&](const Partition* partition) { return mine.contains(partition); };
    std::uint64_t asked = job.nodes_min.value_or(1);
    std::size_t components = 1;
    for (const auto& component : job.earlier) {
        const auto its = inventory.partitions_of(component);
        if (its.empty() || !std::all_of(its.begin(), its.end(), is_mine)) continue;
        asked += component.nodes_min.value_or(1);
        ++components;
    }
    std::set<std::uint32_t> nodes;
    if (components > 1)
        for (const auto* partition : mine) nodes.insert(partition->nodes.begin(), partition->nodes.end());
    if (components == 1 || asked <= nodes.size()) return std::nullopt;
    return Finding{.id = "gpus-total",
                   .level = Level::fail,
                   .thing = fmt::format("{} components on {}", components, node_count(asked)),
                   .seen = fmt::format("need more nodes than {} {} ({}), and no node is given to two of them",
                                       describe(partitions), partitions.size() == 1 ? "has" : "have",
                                       nodes.size()),
                   .next = "ask for fewer nodes in one of them"};
}

/// The components of a heterogeneous job start together, or not at all.
std::optional<Finding> too_many_together(const JobRequest& job, const Inventory& inventory,
                                         const Partitions& partitions) {
    if (job.earlier.empty()) return std::nullopt;
    auto sizes = nodes_of_all(job, inventory, partitions);
    if (!sizes) return std::nullopt;
    std::set<std::string> types{""};
    for (const auto* item : gpu_items(job)) types.insert(item->type);
    for (const auto& type : types) {
        std::uint64_t asked = gpus_asked(job, type), there = 0;
        for (const auto& component : job.earlier) asked += gpus_asked(component, type);
        for (auto [index, nodes] : *sizes) there += gpus_of_class(inventory.classes[index], type) * nodes;
        if (asked <= there) continue;
        return Finding{.id = "gpus-total",
                       .level = Level::fail,
                       .thing = fmt::format("gpu{}{}:{} of components 0 to {} together",
                                            type.empty() ? "" : ":", type, asked, job.earlier.size()),
                       .seen = fmt::format("is more than their partitions have ({}), and they start together "
                                           "or not at all",
                                           there),
                       .next = "ask for less in one of them"};
    }
    return too_many_nodes_together(job, inventory, partitions);
}

} // namespace

std::optional<Finding> gpus_total_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions) {
    if (auto finding = too_many_nodes(job, inventory, partitions)) return finding;
    if (auto finding = too_wide_a_range(job, inventory, partitions)) return finding;
    for (const auto* item : gpu_items(job)) {
        auto demand = demand_of(*item, job);
        if (demand.on_one_node > most_gpus_per_node(inventory, partitions, item->type)) continue;
        if (can_hold(inventory, partitions, demand)) continue;
        auto on = item->per != Per::job && demand.nodes_min > 1 ? " on " + node_count(demand.nodes_min) : "";
        auto pools = of_type(gpu_pools(inventory, partitions), item->type);
        std::vector<std::string> ways{most_of(*item, job, inventory, partitions)};
        if (const auto* other = partition_with(inventory, partitions, demand))
            ways.push_back(option_for(*other, job));
        return Finding{.id = "gpus-total",
                       .level = Level::fail,
                       .thing = spelled(*item) + on,
                       .seen = fmt::format("is more than {} ha{} ({})", describe(partitions),
                                           partitions.size() == 1 ? "s" : "ve", describe(pools)),
                       .next = try_one_of(std::move(ways))};
    }
    return too_many_together(job, inventory, partitions);
}

} // namespace railhead
