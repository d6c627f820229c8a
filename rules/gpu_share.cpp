#include "rules/gpu_share.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

/// What a node must give, whatever Slurm chooses; 0: not told.
struct NodeDemand {
    std::uint64_t tasks = 1, gpus = 0, cpus = 0, memory_mib = 0;
    bool all_memory = false; ///< --mem=0
};

NodeDemand demand_on_a_node(const JobRequest& job, const GresItem& item) {
    NodeDemand node;
    bool one_node = job.nodes_max == 1 || (item.per == Per::job && item.count == 1);
    node.tasks = job.tasks_per_node.value_or(1);
    if (!job.tasks_per_node && job.tasks && one_node) node.tasks = *job.tasks;
    if (item.per == Per::node) node.gpus = item.count;
    if (item.per == Per::task) node.gpus = product(item.count, node.tasks);
    if (item.per == Per::job && one_node) node.gpus = item.count;
    if (node.gpus == 0) return node;
    node.cpus = job.cpus_per_gpu ? product(*job.cpus_per_gpu, node.gpus)
                                 : product(job.cpus_per_task.value_or(1), node.tasks);
    if (job.memory_per_gpu_mib)
        node.memory_mib = product(*job.memory_per_gpu_mib, node.gpus);
    else if (job.memory_per_cpu_mib)
        node.memory_mib = product(*job.memory_per_cpu_mib, node.cpus);
    else
        node.memory_mib = job.memory_per_node_mib.value_or(0);
    node.all_memory = job.memory_per_node_mib == 0u;
    return node;
}

/// Whether `asked` for `gpus` is more than their share of a node that has `all` for `of`, rounded up.
bool above_share(std::uint64_t asked, std::uint64_t gpus, std::uint64_t all, std::uint64_t of) {
    return asked > (product(all, gpus) + of - 1) / of;
}

/// For so many CPUs on a node, in the option that the user typed.
std::string fewer_cpus(const JobRequest& job, const NodeDemand& need, std::uint64_t cpus) {
    if (job.cpus_per_task) return cpus_option(std::max<std::uint64_t>(cpus / need.tasks, 1), job);
    if (!job.cpus_per_gpu && job.tasks_per_node) return fmt::format("--ntasks-per-node={}", cpus);
    if (!job.cpus_per_gpu && job.tasks) return fmt::format("--ntasks={}", cpus);
    return fmt::format("--cpus-per-gpu={}", std::max<std::uint64_t>(cpus / need.gpus, 1));
}

/// On so many CPUs.
std::string less_memory(const JobRequest& job, const NodeDemand& need, std::uint64_t mib,
                        std::uint64_t cpus) {
    if (job.memory_per_cpu_mib)
        return fmt::format("--mem-per-cpu={}M", mib / std::max<std::uint64_t>(cpus, 1));
    if (job.memory_per_node_mib) return fmt::format("--mem={}M", mib);
    return fmt::format("--mem-per-gpu={}M", mib / need.gpus);
}

/// What the job takes above its share of such a node of `gpus` GPUs.
Finding above_its_share(const JobRequest& job, const NodeDemand& need, const NodeClass& node,
                        std::uint64_t gpus, const std::string& partition) {
    auto all = cpus_for(job, node);
    bool cpus = above_share(need.cpus, need.gpus, all, gpus);
    auto fewer = all / gpus * need.gpus;
    auto less = node.memory_mib / gpus * need.gpus; // its share
    auto rest = cpus && job.memory_per_cpu_mib ? product(*job.memory_per_cpu_mib, fewer) : need.memory_mib;
    bool memory = above_share(rest, need.gpus, node.memory_mib, gpus);
    auto with = memory ? less_memory(job, need, less, cpus ? fewer : need.cpus) : "";
    if (cpus) with = fewer_cpus(job, need, fewer) + (memory ? " " + with : "");
    return {.id = "gpu-share",
            .level = Level::fail,
            .thing = fmt::format("{} for {}",
                                 cpus ? counted(need.cpus, "CPU") : fmt::format("{} MiB", need.memory_mib),
                                 counted(need.gpus, "GPU")),
            .seen = fmt::format(
                "{} more than {} share of a node of {} ({} of {}), so that others of its GPUs "
                "cannot be used",
                cpus && need.cpus == 1 ? "is" : "are", need.gpus == 1 ? "its" : "their", partition,
                cpus ? counted(fewer, "CPU") : fmt::format("{} MiB", less), cpus ? all : node.memory_mib),
            .next = "try " + with};
}

} // namespace

std::optional<Finding> gpu_share_rule(const JobRequest& job, const Inventory& inventory,
                                      const Partitions& partitions) {
    const auto items = gpu_items(job);
    if (items.size() != 1 || job.exclusive || job.modify) return std::nullopt;
    auto need = demand_on_a_node(job, *items.front());
    if (need.gpus == 0) return std::nullopt;
    std::optional<Finding> finding;
    for (const auto* partition : partitions) {
        for (auto [index, count] : partition->class_sizes) {
            const auto& node = inventory.classes[index];
            auto gpus = gpus_of_class(node, items.front()->type);
            if (need.all_memory) need.memory_mib = node.memory_mib;
            if (gpus < need.gpus || cpus_for(job, node) < need.cpus || node.memory_mib < need.memory_mib)
                continue;
            if (partition->whole_nodes || need.gpus == gpus ||
                (!above_share(need.cpus, need.gpus, cpus_for(job, node), gpus) &&
                 !above_share(need.memory_mib, need.gpus, node.memory_mib, gpus)))
                return std::nullopt; // fits one
            if (!finding) finding = above_its_share(job, need, node, gpus, partition->name);
        }
    }
    return finding;
}

} // namespace railhead
