#include "rules/gpus_per_node.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

std::string plural(std::uint64_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string asked(const GresItem& item, const JobRequest& job, std::uint64_t limit) {
    auto what = fmt::format("gpu{}:{}", item.type.empty() ? "" : ":" + item.type, item.count);
    auto on_nodes = limit > 0 && job.nodes_max ? " on " + plural(*job.nodes_max, "node") : "";
    bool tasks_decide = job.tasks && *job.tasks < job.nodes_max.value_or(UINT32_MAX);
    if (item.per == Per::job) return what + (tasks_decide ? " with " + plural(*job.tasks, "task") : on_nodes);
    what += fmt::format(" per {}", name_of(item.per));
    auto tasks = tasks_with_gpus_on_one_node(job);
    if (item.per != Per::task || tasks == 1) return what;
    if (!job.tasks || tasks > tasks_on_one_node(job))
        return what + " with " + plural(*job.tasks_per_node, "task") + " per node";
    return what + " with " + plural(*job.tasks, "task") + on_nodes;
}

struct Case {
    const GresItem& item;
    const JobRequest& job;
    const Inventory& inventory;
    const Partitions& partitions;
    std::uint64_t limit; ///< GPUs that the biggest node has
};

/// The job on `nodes` nodes; whether the partition has them, and the job a task for each.
bool works_on(const Case& in, std::uint64_t nodes, const GresItem& wanted, JobRequest job) {
    if (nodes > UINT32_MAX || job.modify || (job.tasks && *job.tasks < nodes)) return false;
    job.nodes_min = job.nodes_max = static_cast<std::uint32_t>(nodes);
    return can_hold(in.inventory, in.partitions, demand_of(wanted, job));
}

/// The same number of GPUs spread over more nodes; empty when it does not come out even, or they are not
/// there.
std::string spread(const Case& in) {
    const auto& [item, job, inventory, partitions, limit] = in;
    if (item.per == Per::job) {
        auto nodes = item.count / limit + (item.count % limit > 0);
        return works_on(in, nodes, item, job) ? fmt::format("--nodes={}", nodes) : "";
    }
    if (item.per == Per::task) {
        auto per_node = limit / item.count;
        if (!job.tasks || per_node == 0) return "";
        auto nodes = (*job.tasks + per_node - 1) / per_node;
        auto spread = job;
        if (spread.tasks_per_node) spread.tasks_per_node = static_cast<std::uint32_t>(per_node);
        if (!works_on(in, nodes, item, spread)) return "";
        auto tasks =
            job.tasks_per_node ? fmt::format(" --ntasks={} --ntasks-per-node={}", *job.tasks, per_node) : "";
        return fmt::format("--nodes={}{}", nodes, tasks);
    }
    bool nodes_follow_tasks = !job.nodes_max && job.tasks.value_or(1) > 1;
    std::uint64_t total = 0;
    if (item.per != Per::node || nodes_follow_tasks ||
        __builtin_mul_overflow(item.count, std::uint64_t{job.nodes_max.value_or(1)}, &total))
        return "";
    auto wanted = item;
    wanted.count = limit;
    if (total % limit != 0 || !works_on(in, total / limit, wanted, job)) return "";
    return fmt::format("--nodes={} {}", total / limit, option_for(wanted, item, job));
}

/// As many GPUs as there are, on the job's own number of nodes.
std::string the_most(const Case& in) {
    const auto& [item, job, inventory, partitions, limit] = in;
    auto wanted = item;
    wanted.count = limit;
    if (item.per == Per::job)
        wanted.count = most_gpus(inventory, partitions, item.type, demand_of(item, job).nodes_max, job.lifts);
    if (item.per == Per::task) wanted.count = limit / tasks_with_gpus_on_one_node(job);
    return wanted.count == 0 ? "" : option_for(wanted, item, job);
}

std::string next_step(const Case& in) {
    std::vector<std::string> ways;
    ways.push_back(spread(in));
    if (ways[0].empty()) ways[0] = the_most(in);
    add_ways(ways, partitions_with(in.inventory, in.partitions, demand_of(in.item, in.job)), in.job);
    return try_one_of(std::move(ways), the_most(in));
}

/// What GPUs are shared by: a node has so many in all.
std::uint64_t shards_of(const NodeClass& node, const GresItem& item) {
    std::uint64_t count = 0;
    for (const auto& gres : node.gres)
        if (gres.gres == item.gres && (item.type.empty() || gres.type.empty() || gres.type == item.type))
            count += gres.count;
    return count;
}

/// A request for shards, and what the nodes of the job's partitions have of them.
struct Shards {
    const GresItem& item;
    std::uint64_t on_node = 0, on_gpu = 0;    ///< of one at most; on a GPU where a node's are spread evenly
    std::uint64_t in_all = 0, of_one_gpu = 0; ///< of the partition that has most; of one GPU on each node

    Finding finding(Level level, std::string seen, const JobRequest& job, std::uint64_t most) const {
        auto wanted = item;
        wanted.count = most;
        bool typed = item.per == Per::node && (item.option == NodeOption::gres || job.modify);
        return {.id = "gpus-per-node",
                .level = level,
                .thing = fmt::format("{}:{} per {}", item.gres, item.count, name_of(item.per)),
                .seen = std::move(seen),
                .next =
                    typed ? try_one_of({option_for(wanted, item, job)}) : fmt::format("ask for {}", most)};
    }
};

Shards shards_in(const GresItem& item, const Inventory& inventory, const Partitions& partitions) {
    Shards shards{item};
    for (const auto* partition : partitions) {
        std::uint64_t sum = 0, of_one_gpu = 0;
        for (auto [index, nodes] : partition->class_sizes) {
            const auto& node = inventory.classes[index];
            auto all = shards_of(node, item), gpus = std::max<std::uint64_t>(gpus_of_class(node, ""), 1);
            shards.on_node = std::max(shards.on_node, all);
            shards.on_gpu = std::max(shards.on_gpu, (all + gpus - 1) / gpus);
            sum += product(all, nodes);
            of_one_gpu += product((all + gpus - 1) / gpus, nodes);
        }
        shards.in_all = std::max(shards.in_all, sum);
        shards.of_one_gpu = std::max(shards.of_one_gpu, of_one_gpu);
    }
    return shards;
}

/// Of all tasks together.
std::optional<Finding> too_many_for_tasks(const Shards& shards, const JobRequest& job,
                                          const Partitions& partitions) {
    const auto& item = shards.item;
    if (item.per != Per::task || !job.tasks || shards.in_all == 0) return std::nullopt;
    if (product(item.count, *job.tasks) <= shards.in_all) return std::nullopt;
    auto finding = shards.finding(Level::fail,
                                  fmt::format("for {} is more than {} {} ({})", counted(*job.tasks, "task"),
                                              describe(partitions), has(partitions), shards.in_all),
                                  job, 0);
    auto tasks = shards.in_all / item.count;
    finding.next = tasks > 0 ? try_one_of({fmt::format("--ntasks={}", tasks)}) : "ask for fewer";
    return finding;
}

/// On a node, or of all tasks together.
std::optional<Finding> too_many(const Shards& shards, const JobRequest& job, const Inventory& inventory,
                                const Partitions& partitions) {
    const auto& item = shards.item;
    bool of_one_gpu = inventory.shards_of_one_gpu && item.gres == "shard";
    auto most = of_one_gpu ? shards.on_gpu : shards.on_node;
    auto tasks = item.per == Per::task ? tasks_on_one_node(job) : 1;
    if (most == 0) return std::nullopt;
    if (product(item.count, tasks) > shards.on_node)
        return shards.finding(Level::fail,
                              fmt::format("{}is more than any node of {} has ({})",
                                          tasks > 1 ? fmt::format("for {} tasks on a node ", tasks) : "",
                                          describe(partitions), shards.on_node),
                              job, std::max<std::uint64_t>(most / tasks, 1));
    // gres.conf(5) can give one GPU more of them than another, and Slurm does not tell.
    auto rest =
        fmt::format("more than the share of a GPU in {} ({} of {} on a node), and a job gets those of one "
                    "GPU of a node: it may wait for ever",
                    describe(partitions), shards.on_gpu, shards.on_node);
    if (item.count > most) return shards.finding(Level::warn, "is " + rest, job, most);
    auto of_all = item.per == Per::task ? product(item.count, job.tasks.value_or(1)) : 0;
    if (!of_one_gpu || (product(item.count, tasks) <= most && of_all <= shards.of_one_gpu))
        return std::nullopt;
    auto finding = shards.finding(Level::warn, "for all tasks is " + rest, job, most);
    finding.next = "ask for fewer tasks or more nodes";
    return finding;
}

std::optional<Finding> too_many_shards(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions) {
    for (const auto& item : job.gpus.items) {
        bool on_a_node = item.per == Per::node || item.per == Per::task;
        if ((item.gres != "shard" && item.gres != "mps") || !on_a_node) continue;
        auto shards = shards_in(item, inventory, partitions);
        if (auto finding = too_many_for_tasks(shards, job, partitions)) return finding;
        if (auto finding = too_many(shards, job, inventory, partitions)) return finding;
    }
    return std::nullopt;
}

} // namespace

std::optional<Finding> gpus_per_node_rule(const JobRequest& job, const Inventory& inventory,
                                          const Partitions& partitions) {
    for (const auto& item : job.gpus.items) {
        if (item.gres != "gpu") continue;
        auto limit = most_gpus_per_node(inventory, partitions, item.type);
        if (limit == 0) continue; // gpu_type_rule's, or partition_kind_rule's
        if (demand_of(item, job).on_one_node <= limit) continue;
        auto pools = of_type(gpu_pools(inventory, partitions), item.type);
        return Finding{.id = "gpus-per-node",
                       .level = Level::fail,
                       .thing = asked(item, job, limit),
                       .seen = fmt::format("is more than any node of {} has ({})", describe(partitions),
                                           describe(pools)),
                       .next = next_step({item, job, inventory, partitions, limit})};
    }
    return too_many_shards(job, inventory, partitions);
}

} // namespace railhead
