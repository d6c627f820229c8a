#include "rules/gpus_total.hpp"

#include "slurm/hostlist.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace railhead {
namespace {

std::string node_count(std::uint64_t nodes) {
    return fmt::format("{} node{}", nodes, nodes == 1 ? "" : "s");
}

std::optional<Finding> too_many_nodes(const JobRequest& job, const Inventory& inventory,
                                      const Partitions& partitions) {
    auto most = nodes_for_a_job(inventory, partitions, job.lifts);
    if (job.nodes_min.value_or(1) <= most) return std::nullopt;
    auto is_large = [&](const Partition* partition) { return partition->nodes.size() >= *job.nodes_min; };
    bool limited = std::any_of(partitions.begin(), partitions.end(), is_large);
    return Finding{
        .id = "gpus-total",
        .level = limited && may_run(job) ? Level::warn : Level::fail,
        .thing = node_count(*job.nodes_min),
        .seen = fmt::format("are more than {} {} ({})", describe(partitions),
                            limited ? verb(partitions, "give") + " to one job" : std::string(has(partitions)),
                            most),
        .next = most > 0 ? "try " + nodes_option(most, job) : ""};
}

/// Slurm does not take a range of nodes down to a partition's MaxNodes: it pends with PartitionNodeLimit.
std::optional<Finding> too_wide_a_range(const JobRequest& job, const Inventory& inventory,
                                        const Partitions& partitions) {
    if (lifts_for(job.lifts, inventory).nodes || !job.nodes_max) return std::nullopt;
    std::uint32_t most = 0;
    for (const auto* partition : partitions) most = std::max(most, partition->max_nodes.value_or(UINT32_MAX));
    if (*job.nodes_max <= most) return std::nullopt;
    auto least = job.nodes_min.value_or(1);
    return Finding{.id = "gpus-total",
                   .level = may_run(job) ? Level::warn : Level::fail,
                   .thing = fmt::format("{}-{} nodes", least, *job.nodes_max),
                   .seen = fmt::format("go beyond what {} {} to one job ({})", describe(partitions),
                                       verb(partitions, "give"), most),
                   .next =
                       "try " + nodes_option(least, job) + (most > least ? fmt::format("-{}", most) : "")};
}

/// A job of several partitions gets the fewest nodes that one of them gives at least, and does not start in
/// one that gives more (22.05 and 24.11 wait with PartitionNodeLimit, 26.05 rejects it). 0: it names no
/// several, is judged for all of them, or that is not known.
std::uint32_t nodes_among_partitions(const JobRequest& job, const Inventory& inventory,
                                     const Partitions& partitions) {
    if (partitions.size() > 1 || job.partitions.size() < 2) return 0;
    auto least = UINT32_MAX;
    for (const auto* partition : inventory.partitions_of(job)) {
        if (!partition->open) return 0; // where Slurm does not let the user in, it does not count
        least = std::min(least, partition->min_nodes);
    }
    return std::max(job.nodes_min.value_or(1), least);
}

/// A job on fewer nodes than its partitions give to one at least.
struct TooFew {
    const JobRequest& job;
    const Partitions& partitions;
    std::uint32_t least, among; ///< nodes; `among`: as nodes_among_partitions() says

    /// What raises all that keeps it there: each node has a task, and with --gpus a GPU.
    std::string raised() const {
        std::vector<std::string> options;
        auto most = job.nodes_max.value_or(least);
        if (most < least || (among > 0 && among < least))
            options.push_back(nodes_option(least, job) + (most > least ? fmt::format("-{}", most) : ""));
        if (job.tasks.value_or(least) < least && !job.tasks_per_gpu)
            options.push_back(fmt::format("{}={}", job.modify ? "numtasks" : "--ntasks", least));
        for (const auto* item : gpu_items(job)) {
            auto wanted = *item;
            wanted.count = least;
            if (item->per == Per::job && item->count < least)
                options.push_back(option_for(wanted, *item, job));
        }
        return fmt::format("{}", fmt::join(options, " "));
    }

    Finding finding(std::string thing, bool many = false) const {
        return {.id = "gpus-total",
                .level = may_run(job) ? Level::warn : Level::fail,
                .thing = std::move(thing),
                .seen = fmt::format("{} fewer than {} {} to a job at least ({})", many ? "are" : "is",
                                    describe(partitions), verb(partitions, "give"), counted(least, "node")),
                .next = try_one_of({raised()}, fmt::format("ask for at least {}", counted(least, "node")))};
    }
};

/// Nor up to its MinNodes: that pends with PartitionNodeLimit, too. Nor are there nodes without a GPU.
std::optional<Finding> too_few_nodes(const JobRequest& job, const Inventory& inventory,
                                     const Partitions& partitions) {
    if (lifts_for(job.lifts, inventory).min_nodes) return std::nullopt;
    auto least = UINT32_MAX;
    for (const auto* partition : partitions) least = std::min(least, partition->min_nodes);
    TooFew few{job, partitions, least, nodes_among_partitions(job, inventory, partitions)};
    if (job.nodes_max && *job.nodes_max < least) {
        auto from = job.nodes_min.value_or(1), to = *job.nodes_max;
        return few.finding(from < to ? fmt::format("{}-{} nodes", from, to) : counted(to, "node"), to > 1);
    }
    for (const auto* item : gpu_items(job)) {
        if (item->per == Per::job && item->count < least) return few.finding(spelled(*item));
        bool bound =
            inventory.tasks_bound_nodes && !job.tasks_per_gpu && !job.modify && item->per != Per::task;
        if (bound && job.tasks.value_or(least) < least)
            return few.finding(fmt::format("--ntasks={} with GPUs", *job.tasks));
    }
    if (few.among > 0 && few.among < least) return few.finding(counted(few.among, "node"), few.among > 1);
    return std::nullopt;
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
        auto demand = demand_of(item, job);
        auto with_gpus = nodes_with(inventory, partitions, demand);
        if (with_gpus < demand.nodes_min && with_gpus > 0 && works(item.count, with_gpus))
            return nodes_option(with_gpus, job);
        auto wanted = item;
        wanted.count =
            most_gpus(inventory, partitions, item.type, job.nodes_max.value_or(UINT32_MAX), job.lifts);
        return wanted.count > 0 && works(wanted.count, 0) ? option_for(wanted, item, job) : "";
    }
    if (item.per == Per::task && job.tasks)
        return job.modify ? ""
                          : fmt::format("--ntasks={}",
                                        most_gpus(inventory, partitions, item.type,
                                                  job.nodes_max.value_or(UINT32_MAX), job.lifts, item.count) /
                                            item.count);
    auto nodes = nodes_with(inventory, partitions, demand_of(item, job));
    return nodes == 0 || !works(item.count, nodes) ? "" : nodes_option(nodes, job);
}

/// GPUs of `type` (empty: all) that a component asks for in total. What it asks for the job, for each node,
/// task and socket are the same GPUs.
std::uint64_t gpus_asked(const JobRequest& component, const std::string& type) {
    std::map<Per, std::map<std::string, std::uint64_t>> asked; // by type: --gres may say it once more
    for (const auto* item : gpu_items(component)) {
        auto& total = asked[item->per][item->type];
        if (type.empty() || item->type == type) total = std::max(total, demand_of(*item, component).total);
    }
    std::uint64_t most = 0;
    for (const auto& way : asked) {
        std::uint64_t sum = 0;
        for (const auto& [_, total] : way.second) sum += total;
        most = std::max(most, sum);
    }
    return most;
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

using NodeSet = std::vector<std::uint64_t>; // a bit each

bool is_within(const NodeSet& nodes, const NodeSet& others) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
        if (nodes[i] & ~others[i]) return false;
    return true;
}

std::uint64_t size_of(const NodeSet& nodes) {
    return std::accumulate(nodes.begin(), nodes.end(), std::uint64_t{0}, [](auto sum, auto word) {
        return sum + static_cast<std::uint64_t>(std::popcount(word));
    });
}

/// A component of a heterogeneous job, and the nodes of its partitions, but those it excludes, with
/// the GPUs that it asks of each.
struct Component {
    std::uint64_t asked;
    Partitions partitions;
    NodeSet nodes;
};

Component component_of(const JobRequest& job, const Inventory& inventory, const Partitions& partitions) {
    std::vector<bool> fits(inventory.classes.size(), true);
    for (const auto* item : gpu_items(job))
        for (std::size_t i = 0; i < fits.size(); ++i)
            if (gpus_of_class(inventory.classes[i], item->type) < demand_of(*item, job).on_every_node)
                fits[i] = false;
    constexpr std::size_t bits = 64;
    Component component{job.nodes_min.value_or(1), partitions, NodeSet(inventory.nodes.size() / bits + 1)};
    for (const auto* partition : partitions)
        for (auto node : partition->nodes)
            if (fits[inventory.nodes[node].node_class])
                component.nodes[node / bits] |= std::uint64_t{1} << (node % bits);
    for (const auto& name : expand_hostlist(job.exclude).value_or(std::vector<std::string>{}))
        if (auto node = inventory.index_of(name))
            component.nodes[*node / bits] &= ~(std::uint64_t{1} << (*node % bits));
    return component;
}

/// No node is given to two components (22.05, 24.11 and 26.05: tests/truth): those that can only have nodes
/// that one of them can have, this one among them, need as many together.
std::optional<Finding> too_many_nodes_together(const JobRequest& job, const Inventory& inventory,
                                               const Partitions& partitions) {
    std::vector<Component> components{component_of(job, inventory, partitions)};
    for (const auto& earlier : job.earlier)
        if (auto its = inventory.partitions_of(earlier); !its.empty())
            components.push_back(component_of(earlier, inventory, its));
    for (const auto& widest : components) {
        if (!is_within(components.front().nodes, widest.nodes)) continue;
        std::uint64_t asked = 0, number = 0, there = size_of(widest.nodes);
        for (const auto& each : components) {
            if (!is_within(each.nodes, widest.nodes)) continue;
            asked += each.asked;
            ++number;
        }
        if (number == 1 || asked <= there) continue;
        return Finding{.id = "gpus-total",
                       .level = Level::fail,
                       .thing = fmt::format("{} components on {}", number, node_count(asked)),
                       .seen =
                           fmt::format("need more nodes than {} {} for them ({}), and no node is given to "
                                       "two of them",
                                       describe(widest.partitions), has(widest.partitions), there),
                       .next = "ask for fewer nodes in one of them"};
    }
    return std::nullopt;
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

/// On how many nodes the job's GPUs may be: what else there is of them does not count.
std::string on_nodes(const GresItem& item, const Demand& demand, const JobRequest& job, std::uint32_t limit) {
    if (item.per != Per::job) return demand.nodes_min > 1 ? " on " + node_count(demand.nodes_min) : "";
    if (job.tasks.value_or(UINT32_MAX) < std::min(job.nodes_max.value_or(UINT32_MAX), limit))
        return " with " + counted(*job.tasks, "task");
    if (!job.nodes_max) return demand.nodes_min > 1 ? " on " + node_count(demand.nodes_min) : "";
    return demand.nodes_min < *job.nodes_max
               ? fmt::format(" on {}-{} nodes", demand.nodes_min, *job.nodes_max)
               : " on " + node_count(*job.nodes_max);
}

} // namespace

std::optional<Finding> gpus_total_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions) {
    if (auto finding = too_many_nodes(job, inventory, partitions)) return finding;
    if (auto finding = too_wide_a_range(job, inventory, partitions)) return finding;
    if (auto finding = too_few_nodes(job, inventory, partitions)) return finding;
    for (const auto* item : gpu_items(job)) {
        auto demand = demand_of(*item, job);
        if (demand.on_one_node > most_gpus_per_node(inventory, partitions, item->type)) continue;
        if (can_hold(inventory, partitions, demand)) continue;
        auto pools = describe(of_type(gpu_pools(inventory, partitions), item->type));
        auto limit = nodes_for_a_job(inventory, partitions, job.lifts);
        bool limited = std::all_of(partitions.begin(), partitions.end(),
                                   [&](const Partition* each) { return each->nodes.size() > limit; });
        if (limited) pools += fmt::format(", at most {} for a job", counted(limit, "node"));
        std::vector<std::string> ways{most_of(*item, job, inventory, partitions)};
        add_ways(ways, partitions_with(inventory, partitions, demand), job);
        return Finding{.id = "gpus-total",
                       .level = Level::fail,
                       .thing = spelled(*item) + on_nodes(*item, demand, job, limit),
                       .seen = fmt::format("is more than {} {} ({})", describe(partitions),
                                           limited ? verb(partitions, "give") : std::string(has(partitions)),
                                           pools),
                       .next = try_one_of(std::move(ways))};
    }
    return too_many_together(job, inventory, partitions);
}

} // namespace railhead
