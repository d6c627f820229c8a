#include "rules/job_limits.hpp"

#include "rules/usable_nodes.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

enum class Number { one, many };

Finding above(std::string thing, Number number, const Partition& partition, std::string limit,
              std::string next) {
    return {.id = "node-shape",
            .level = Level::fail,
            .thing = std::move(thing),
            .seen = fmt::format("{} more than partition {} gives of a node ({})",
                                number == Number::one ? "is" : "are", partition.name, limit),
            .next = std::move(next)};
}

std::optional<Finding> too_many_cpus(const JobRequest& job, const Inventory& inventory,
                                     const Partition& partition) {
    if (!partition.max_cpus_per_node) return std::nullopt;
    std::uint64_t most = *partition.max_cpus_per_node;
    auto need = node_need_of(job, inventory);
    auto is_larger = [&](auto& size) { return inventory.classes[size.first].cpus > most; };
    if (job.exclusive && std::all_of(partition.class_sizes.begin(), partition.class_sizes.end(), is_larger))
        return above("all of a node's CPUs (--exclusive)", Number::many, partition, counted(most, "CPU"),
                     "leave out --exclusive");
    if (need.cpus <= most) return std::nullopt;
    std::uint64_t tasks = std::max<std::uint64_t>(need.tasks, 1), each = job.cpus_per_task.value_or(1);
    std::string next = "ask for fewer";
    if (need.cpus_by == NodeNeed::By::gpu)
        next = fmt::format("try --cpus-per-gpu={}", most / need.gpus);
    else if (job.cpus_per_task && most >= tasks)
        next = "try " + cpus_option(most / tasks, job);
    else if (job.tasks_per_node && !job.tasks && most >= each)
        next = fmt::format("try --ntasks-per-node={}", most / each);
    return above(counted(need.cpus, "CPU"), need.cpus == 1 ? Number::one : Number::many, partition,
                 std::to_string(most), next);
}

/// What the job takes of the memory of a node, in what it is counted.
struct MemoryAsked {
    std::uint64_t mib = 0;  ///< for each CPU, or in all
    std::uint64_t cpus = 0; ///< 0: in all
    bool whole = false;     ///< all that a node has
    bool by_default = false;
};

std::optional<MemoryAsked> memory_asked(const JobRequest& job, const Partition& partition) {
    if (job.memory_per_gpu_mib) return std::nullopt; // Slurm holds it to no limit
    MemoryAsked asked;
    // --ntasks-per-node at its word, --overcommit or not, and no CPUs of GPUs.
    auto tasks = job.tasks_per_node ? *job.tasks_per_node : tasks_on_one_node(job);
    auto cpus = product(job.cpus_per_task.value_or(1), tasks);
    if (job.memory_per_node_mib)
        asked = {.mib = *job.memory_per_node_mib};
    else if (job.memory_per_cpu_mib)
        asked = {.mib = *job.memory_per_cpu_mib, .cpus = cpus};
    else if (auto usual = partition.limits.default_memory)
        asked = {.mib = usual->mib, .cpus = usual->cpu ? cpus : 0, .by_default = true};
    else
        return std::nullopt;
    asked.whole = asked.mib == 0;
    return asked;
}

/// Of a node of that class; the limit first.
std::pair<std::uint64_t, std::uint64_t> limit_and_need(const NodeClass& node, const MemoryAsked& asked,
                                                       const MemoryPer& most, bool all_cpus) {
    auto limit = most.cpu ? product(most.mib, node.cpus) : most.mib;
    if (asked.whole) return {limit, node.memory_mib};
    auto cpus = all_cpus ? node.cpus : asked.cpus;
    return {limit, asked.cpus == 0 ? asked.mib : product(asked.mib, cpus)};
}

std::string text_of(const MemoryAsked& asked, std::uint64_t need) {
    if (asked.whole) return fmt::format("all memory of a node ({} MiB)", need);
    if (asked.by_default && asked.mib == unlimited_memory) return "the default memory, UNLIMITED,";
    if (asked.cpus == 0)
        return asked.by_default ? fmt::format("{} MiB, the default,", need) : fmt::format("--mem={}M", need);
    return fmt::format("{} MiB for {}", need, counted(need / asked.mib, "CPU"));
}

/// Of more for a CPU than MaxMemPerCPU gives, Slurm makes as many more CPUs.
std::optional<Finding> too_many_cpus_for_memory(const MemoryAsked& asked, const Inventory& inventory,
                                                const Partition& partition, std::uint64_t most_mib) {
    auto needed = product(asked.cpus, (asked.mib + most_mib - 1) / most_mib);
    std::uint64_t there = 0;
    for (auto [index, nodes] : partition.class_sizes)
        there = std::max<std::uint64_t>(there, inventory.classes[index].cpus);
    if (asked.by_default || asked.mib == 0 || needed <= there) return std::nullopt;
    auto next = asked.cpus > there
                    ? "ask for fewer CPUs"
                    : fmt::format("try --mem-per-cpu={}M", product(there / asked.cpus, most_mib));
    return above(fmt::format("--mem-per-cpu={}M for {}", asked.mib, counted(asked.cpus, "CPU")), Number::one,
                 partition, fmt::format("{} MiB for each of {}", most_mib, counted(there, "CPU")), next);
}

std::optional<Finding> too_much_memory(const JobRequest& job, const Inventory& inventory,
                                       const Partition& partition) {
    auto most = partition.limits.most_memory;
    auto asked = most ? memory_asked(job, partition) : std::nullopt;
    if (!asked) return std::nullopt;
    if (most->cpu && asked->cpus > 0 && !asked->whole)
        return too_many_cpus_for_memory(*asked, inventory, partition, most->mib);
    bool all_cpus = job.exclusive || partition.whole_nodes;
    std::optional<Finding> finding;
    std::uint64_t within = 0; // nodes
    for (auto [index, nodes] : partition.class_sizes) {
        auto [limit, need] = limit_and_need(inventory.classes[index], *asked, *most, all_cpus);
        if (need <= limit) within += nodes;
        if (finding || need <= limit) continue;
        auto each = asked->cpus > 0 && !asked->whole ? need / asked->mib : 0; // CPUs
        auto next = each > 0 && !asked->by_default ? fmt::format("try --mem-per-cpu={}M", limit / each)
                                                   : fmt::format("try --mem={}M", limit);
        bool many = each > 0 && asked->mib != unlimited_memory;
        finding = above(text_of(*asked, need), many ? Number::many : Number::one, partition,
                        fmt::format("{} MiB", limit), next);
    }
    if (within >= job.nodes_min.value_or(1)) return std::nullopt;
    return finding;
}

/// Of how many sockets the job has cores: all where the node is its own, else as many as hold its CPUs.
std::uint64_t sockets_of(const NodeClass& node, const JobRequest& job, const Inventory& inventory,
                         bool whole) {
    std::uint64_t sockets = std::max(node.sockets, 1u);
    auto each = std::max<std::uint64_t>(node.cpus / sockets, 1);
    return whole ? sockets
                 : std::min(sockets,
                            (std::max<std::uint64_t>(node_need_of(job, inventory).cpus, 1) - 1) / each + 1);
}

std::optional<Finding> too_many_gpus_for_sockets(const JobRequest& job, const Inventory& inventory,
                                                 const Partition& partition) {
    if (!inventory.gpus_on_each_socket) return std::nullopt;
    bool whole = job.exclusive || partition.whole_nodes;
    for (const auto* item : gpu_items(job)) {
        if (item->per != Per::socket) continue;
        std::uint64_t most = 0, used = 0; // on each of the sockets that it has
        for (auto [index, nodes] : partition.class_sizes) {
            const auto& node = inventory.classes[index];
            auto sockets = std::max<std::uint64_t>(sockets_of(node, job, inventory, whole), 1);
            auto each = gpus_of_class(node, item->type) / sockets;
            if (each > most) used = sockets;
            most = std::max(most, each);
        }
        if (most == 0 || item->count <= most || used < 2) continue;
        auto fewer = *item;
        fewer.count = most;
        const auto* why = job.exclusive ? "--exclusive"
                          : whole       ? "the partition gives whole nodes"
                                        : "by its CPUs";
        return above(fmt::format("{} on {} of a node ({})", spelled(*item), counted(used, "socket"), why),
                     Number::one, partition, fmt::format("{} per socket", most),
                     "try " + option_for(fewer, *item, job));
    }
    return std::nullopt;
}

/// DefMemPerNode=UNLIMITED is more than any node has, also beside --mem-per-gpu (22.05, 24.11 and 26.05).
std::optional<Finding> unlimited_default(const JobRequest& job, const Partition& partition) {
    const auto& usual = partition.limits.default_memory;
    if (!usual || usual->mib != unlimited_memory || job.memory_per_node_mib || job.memory_per_cpu_mib)
        return std::nullopt;
    return above("the default memory of a job", Number::one, partition, "DefMemPerNode=UNLIMITED",
                 job.memory_per_gpu_mib ? "ask with --mem, not --mem-per-gpu" : "ask with --mem");
}

/// On a node of its own, a job has all CPUs and memory for each, whatever its tasks need (22.05, 24.11 and
/// 26.05); with threads, it may be for each core.
std::optional<Finding> too_much_for_all_cpus(const JobRequest& job, const Inventory& inventory,
                                             const Partition& partition) {
    auto mib = job.memory_per_cpu_mib.value_or(0);
    bool all = job.exclusive || partition.whole_nodes;
    auto most = partition.limits.most_memory;
    if (most && most->cpu && mib > most->mib) return std::nullopt; // Slurm makes other numbers of it
    if (mib == 0 || !all || job.some_cpus || partition.bounds_sockets) return std::nullopt;
    std::optional<Finding> finding;
    for (auto [index, nodes] : partition.class_sizes) {
        const auto& node = inventory.classes[index];
        auto cpus = cpus_for(job, node);
        cpus /= std::max(node.threads, 1u);
        if (product(mib, cpus) <= node.memory_mib) return std::nullopt;
        if (finding) continue;
        finding =
            above(fmt::format("--mem-per-cpu={}M for all CPUs of a node ({})", mib,
                              job.exclusive ? "--exclusive" : "the partition gives whole nodes"),
                  Number::one, partition, fmt::format("{} MiB for {}", node.memory_mib, counted(cpus, "CPU")),
                  fmt::format("try --mem-per-cpu={}M", node.memory_mib / cpus));
    }
    return finding;
}

/// Of the type that is asked for; of several types the fewest, for they may not all be counted.
std::uint64_t gpus_counted(const NodeClass& node, const std::vector<const GresItem*>& items) {
    std::uint64_t least = UINT64_MAX;
    for (const auto* item : items) least = std::min(least, gpus_of_class(node, item->type));
    return least;
}

/// On a node of its own, what a job asks for each GPU is asked for all GPUs of the node.
std::optional<Finding> too_much_for_all_gpus(const JobRequest& job, const Inventory& inventory,
                                             const Partition& partition) {
    const auto items = gpu_items(job);
    bool in_total = std::any_of(items.begin(), items.end(), [](const GresItem* item) {
        return item->per == Per::job; // of these, 26.05 does not count the memory
    });
    std::uint64_t cpus = job.cpus_per_gpu.value_or(0),
                  mib = in_total ? 0 : job.memory_per_gpu_mib.value_or(0);
    bool whole = job.exclusive || partition.whole_nodes;
    if (!whole || items.empty() || (cpus == 0 && mib == 0)) return std::nullopt;
    std::optional<Finding> finding;
    for (auto [index, nodes] : partition.class_sizes) {
        const auto& node = inventory.classes[index];
        auto gpus = gpus_counted(node, items);
        auto all = cpus_for(job, node);
        bool by_cpus = product(cpus, gpus) > all;
        if (gpus == 0) continue;
        if (!by_cpus && product(mib, gpus) <= node.memory_mib) return std::nullopt;
        if (finding) continue;
        auto option =
            by_cpus ? fmt::format("--cpus-per-gpu={}", cpus) : fmt::format("--mem-per-gpu={}M", mib);
        finding = above(fmt::format("{} for all {} of a node ({})", option, counted(gpus, "GPU"),
                                    job.exclusive ? "--exclusive" : "the partition gives whole nodes"),
                        Number::one, partition,
                        by_cpus ? counted(all, "CPU") : fmt::format("{} MiB", node.memory_mib),
                        by_cpus ? fmt::format("try --cpus-per-gpu={}", all / gpus)
                                : fmt::format("try --mem-per-gpu={}M", node.memory_mib / gpus));
    }
    return finding;
}

} // namespace

std::optional<JobRequest> with_gpu_defaults(const JobRequest& job, const JobLimits& limits) {
    if (!limits.default_cpus_per_gpu && !limits.default_memory_per_gpu_mib) return std::nullopt;
    const auto items = gpu_items(job);
    bool in_total = std::any_of(items.begin(), items.end(), [](const GresItem* item) {
        return item->per == Per::job; // 26.05 does not count their memory, nor CPUs beside tasks
    });
    bool cpus = limits.default_cpus_per_gpu && !job.cpus_per_gpu && !job.cpus_per_task &&
                !job.tasks_per_gpu && !(in_total && (job.tasks || job.tasks_per_node));
    bool memory = limits.default_memory_per_gpu_mib && !job.memory_per_gpu_mib && !in_total;
    if (items.empty() || (!cpus && !memory)) return std::nullopt;
    auto filled = job;
    if (cpus) filled.cpus_per_gpu = limits.default_cpus_per_gpu;
    if (memory) filled.memory_per_gpu_mib = limits.default_memory_per_gpu_mib;
    return filled;
}

std::optional<Finding> above_job_limits(const JobRequest& job, const Inventory& inventory,
                                        const Partition& partition) {
    if (auto finding = too_many_cpus(job, inventory, partition)) return finding;
    if (auto finding = too_much_for_all_gpus(job, inventory, partition)) return finding;
    if (auto finding = too_many_gpus_for_sockets(job, inventory, partition)) return finding;
    if (auto finding = too_much_for_all_cpus(job, inventory, partition)) return finding;
    if (auto finding = too_much_memory(job, inventory, partition)) return finding;
    return unlimited_default(job, partition);
}

} // namespace railhead
