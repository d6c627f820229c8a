#include "rules/conflict.hpp"

#include "rules/usable_nodes.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace railhead {
namespace {

Finding conflict(Level level, std::string thing, std::string seen, std::string next) {
    return {.id = "conflict",
            .level = level,
            .thing = std::move(thing),
            .seen = std::move(seen),
            .next = std::move(next)};
}

std::set<std::string> hosts_of(const std::string& list) {
    auto names = expand_hostlist(list).value_or(std::vector<std::string>{});
    return {names.begin(), names.end()};
}

std::optional<Finding> node_lists(const JobRequest& job) {
    auto wanted = hosts_of(job.nodelist), excluded = hosts_of(job.exclude);
    auto both = std::find_if(wanted.begin(), wanted.end(),
                             [&](const std::string& node) { return excluded.count(node) > 0; });
    if (both == wanted.end()) return std::nullopt;
    // sbatch hands a component's lists on to those after it, and excludes from each what another one names.
    if (job.het_offset)
        return conflict(Level::fail, *both,
                        "is named in --nodelist and excluded: by --exclude, or because another component "
                        "names it, and no node is given to two of them",
                        "give each component --nodelist and --exclude of its own");
    return conflict(Level::fail, *both, "is in both --nodelist and --exclude", "take it out of one of them");
}

const GresItem* item_per(const std::vector<const GresItem*>& items, Per per) {
    auto found =
        std::find_if(items.begin(), items.end(), [&](const GresItem* item) { return item->per == per; });
    return found == items.end() ? nullptr : *found;
}

/// GPUs of the job against GPUs per node or per task: srun(1) has the job's number fixed by the others.
std::optional<Finding> totals(const JobRequest& job) {
    const auto items = gpu_items(job);
    const auto* total = item_per(items, Per::job);
    if (!total || items.size() != 2) return std::nullopt;
    const auto* node = item_per(items, Per::node);
    const auto* task = item_per(items, Per::task);
    if (node && job.nodes_max && total->count > product(node->count, *job.nodes_max))
        return conflict(Level::fail, spelled(*total),
                        fmt::format("is more than {} on {}", spelled(*node), counted(*job.nodes_max, "node")),
                        "leave --gpus out");
    if (task && job.tasks && total->count != product(task->count, *job.tasks))
        return conflict(Level::fail, spelled(*total),
                        fmt::format("is not {} times {}", spelled(*task), counted(*job.tasks, "task")),
                        "leave --gpus out");
    return std::nullopt;
}

/// GPUs of a task, of all types.
std::uint64_t gpus_of_task(const JobRequest& job) {
    std::uint64_t gpus = 0;
    for (const auto* item : gpu_items(job))
        if (item->per == Per::task) gpus += std::min(item->count, UINT64_MAX - gpus);
    return gpus;
}

/// Beside GPUs per task, Slurm takes --ntasks-per-node at its word: it gives the GPUs of that many to the
/// first node, and each other one has a GPU at least (24.11, measured for all up to 4 nodes and 8
/// tasks). 22.05 looks at the first node only, and 26.05 fills one node after the other. On nodes of its own
/// many a job starts all the same, and Slurm rejects the others at once.
std::optional<Finding> tasks_on_nodes(const JobRequest& job, const Inventory& inventory,
                                      const Partitions& partitions) {
    if (!job.tasks || !job.tasks_per_node || gpus_of_task(job) == 0) return std::nullopt;
    std::uint64_t each = *job.tasks_per_node, tasks = *job.tasks, nodes = job.nodes_min.value_or(1);
    const bool whole = job.exclusive || std::any_of(partitions.begin(), partitions.end(),
                                                    [](auto* partition) { return partition->whole_nodes; });
    if (whole) return std::nullopt;
    auto filled = (tasks - 1) / each + 1;
    auto option = fmt::format("--ntasks-per-node={}", each);
    if (each > tasks)
        return conflict(Level::fail, option,
                        fmt::format("is more than the {} of the job, and counts beside GPUs per task",
                                    counted(tasks, "task")),
                        "leave it out");
    const bool too_few =
        inventory.tasks_bound_nodes && nodes > 1 && product(tasks - each, gpus_of_task(job)) < nodes - 1;
    const bool unfilled = inventory.tasks_fill_nodes && filled < nodes;
    if (too_few || unfilled)
        return conflict(Level::fail, option,
                        fmt::format("puts the {} of the job on {} of {}, and counts beside GPUs per task",
                                    counted(tasks, "task"), filled, counted(nodes, "node")),
                        "leave it out");
    // Some of these start, others wait for ever: which is not certain.
    if (inventory.tasks_fill_nodes && tasks % each != 0)
        return conflict(Level::warn, option,
                        fmt::format("does not divide the {} of the job, which may wait for ever: it counts "
                                    "beside GPUs per task",
                                    counted(tasks, "task")),
                        "leave it out");
    return std::nullopt;
}

/// Without GPUs, 24.11 and 26.05 let these wait with reason Resources on an idle cluster; 22.05 starts them.
std::optional<Finding> overcommit_waits(const JobRequest& job, const Inventory& inventory) {
    if (!inventory.tasks_bound_nodes || !job.overcommit || job.exclusive || !job.gpus.items.empty())
        return std::nullopt;
    auto nodes = job.nodes_min.value_or(1);
    if (job.nodes_max.value_or(nodes) != nodes || job.tasks.value_or(1) <= nodes) return std::nullopt;
    return conflict(
        Level::warn,
        fmt::format("--overcommit with {} on {}", counted(*job.tasks, "task"), counted(nodes, "node")),
        "may wait for ever in this version of Slurm, where a node gets more than one of them",
        "ask for CPUs without --overcommit, or add --exclusive");
}

/// --ntasks-per-gpu without GPUs makes them of the tasks, or Slurm rejects it, or makes
/// none of too few (22.05, 24.11 and 26.05).
std::optional<Finding> no_gpus_of_tasks(const JobRequest& job) {
    const auto items = gpu_items(job);
    bool typed = !items.empty() && items.front()->option != NodeOption::ntasks_per_gpu;
    if (!job.tasks_per_gpu || typed) return std::nullopt;
    auto each = *job.tasks_per_gpu;
    auto tasks = tasks_with_gpus(job);
    if (!tasks)
        return conflict(Level::fail, fmt::format("--ntasks-per-gpu={}", each),
                        "has neither GPUs nor tasks beside it", "add --gpus=N");
    auto gpus = *tasks / each, nodes = std::uint64_t{job.nodes_min.value_or(1)};
    if (*tasks % each == 0 && gpus < nodes)
        return conflict(Level::fail, fmt::format("--ntasks={}", *tasks),
                        fmt::format("makes {} of --ntasks-per-gpu={}, and each of {} has one",
                                    counted(gpus, "GPU"), each, counted(nodes, "node")),
                        try_one_of({fmt::format("--ntasks={}", product(nodes, each))}));
    if (*tasks % each == 0) return std::nullopt;
    auto even = (*tasks + each - 1) / each * each;
    if (*tasks < each)
        return conflict(
            Level::warn, fmt::format("--ntasks={}", *tasks),
            fmt::format("makes no GPU of --ntasks-per-gpu={}, and the job starts without one", each),
            try_one_of({fmt::format("--ntasks={}", even)}));
    return conflict(Level::fail, fmt::format("--ntasks={}", *tasks),
                    fmt::format("is no multiple of --ntasks-per-gpu={}", each),
                    try_one_of({fmt::format("--ntasks={}", even)}));
}

/// --gpus and --ntasks-per-gpu make so many tasks, and no more (24.11 and 26.05; 22.05 gives more nodes).
std::optional<Finding> more_tasks_than_gpus_make(const JobRequest& job, const Inventory& inventory) {
    if (!inventory.tasks_bound_nodes) return std::nullopt;
    const auto* total = item_per(gpu_items(job), Per::job);
    if (!total || total->option == NodeOption::ntasks_per_gpu || !job.tasks_per_gpu || !job.tasks)
        return std::nullopt;
    auto most = product(total->count, *job.tasks_per_gpu);
    if (*job.tasks <= most) return std::nullopt;
    return conflict(Level::fail, fmt::format("--ntasks={}", *job.tasks),
                    fmt::format("are more than {} with --ntasks-per-gpu={} take ({})",
                                counted(total->count, "GPU"), *job.tasks_per_gpu, most),
                    try_one_of({fmt::format("--ntasks={}", most)}));
}

/// Of either list, a name that is no node; rejected by all versions.
std::optional<Finding> unknown_node(const JobRequest& job, const Inventory& inventory) {
    if (inventory.can_grow || inventory.nodes.size() < 2) return std::nullopt; // one node may be "localhost"
    for (auto [option, list] : {std::pair{"--nodelist", &job.nodelist}, {"--exclude", &job.exclude}}) {
        auto name = unknown_host(*list, inventory);
        if (!name.empty())
            return conflict(Level::fail, name, fmt::format("is named in {}, and is no node", option),
                            "leave it out");
    }
    return std::nullopt;
}

/// --gres=gpu:1 and --gpus-per-node=1 come as two items of one field, which Slurm adds up or of which it
/// takes one.
std::optional<Finding> both_node_options(const JobRequest& job) {
    const GresItem* first = nullptr;
    for (const auto* item : gpu_items(job)) {
        if (item->per == Per::node && item->replaced && *item->replaced != item->count) {
            auto dropped = *item;
            dropped.count = *item->replaced;
            return conflict(Level::warn, spelled(dropped),
                            fmt::format("is dropped for {}, which is asked as well", spelled(*item)),
                            "leave one of them out");
        }
        if (item->per != Per::node || item->option == NodeOption::untold) continue;
        if (first && first->option != item->option)
            return conflict(Level::warn, "--gres=gpu",
                            "and --gpus-per-node are both given, and one replaces the other",
                            "leave one of them out");
        first = item;
    }
    return std::nullopt;
}

} // namespace

std::optional<Finding> conflict_rule(const JobRequest& job, const Inventory& inventory,
                                     const Partitions& partitions) {
    if (job.modify) return std::nullopt;
    if (auto finding = node_lists(job)) return finding;
    if (auto finding = unknown_node(job, inventory)) return finding;
    if (auto finding = no_gpus_of_tasks(job)) return finding;
    if (auto finding = more_tasks_than_gpus_make(job, inventory)) return finding;
    if (auto finding = totals(job)) return finding;
    if (auto finding = tasks_on_nodes(job, inventory, partitions)) return finding;
    if (auto finding = overcommit_waits(job, inventory)) return finding;
    return both_node_options(job);
}

} // namespace railhead
