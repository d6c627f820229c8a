#include "rules/gpu_share.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

/// What a node must give, whatever Slurm chooses; 0: not told.
struct NodeDemand {
    std::uint64_t gpus = 0, cpus = 0, memory_mib = 0;
};

NodeDemand demand_on_a_node(const JobRequest& job, const GresItem& item) {
    NodeDemand node;
    std::uint64_t tasks = job.tasks_per_node.value_or(1);
    if (!job.tasks_per_node && job.tasks && job.nodes_max == 1) tasks = *job.tasks;
    if (item.per == Per::node) node.gpus = item.count;
    if (item.per == Per::task) node.gpus = product(item.count, tasks);
    if (item.per == Per::job && job.nodes_max == 1) node.gpus = item.count;
    if (node.gpus == 0) return node;
    node.cpus = job.cpus_per_gpu ? product(*job.cpus_per_gpu, node.gpus)
                                 : product(job.cpus_per_task.value_or(1), tasks);
    if (job.memory_per_gpu_mib)
        node.memory_mib = product(*job.memory_per_gpu_mib, node.gpus);
    else if (job.memory_per_cpu_mib)
        node.memory_mib = product(*job.memory_per_cpu_mib, node.cpus);
    else
        node.memory_mib =
            job.memory_per_node_mib.value_or(0); // 0 is "all", which --mem=0 says for whole nodes
    return node;
}

/// Whether `asked` for `gpus` is more than their share of a node that has `all` for `of`, rounded up.
bool above_share(std::uint64_t asked, std::uint64_t gpus, std::uint64_t all, std::uint64_t of) {
    return asked > (product(all, gpus) + of - 1) / of;
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
            if (gpus < need.gpus || node.cpus < need.cpus || node.memory_mib < need.memory_mib) continue;
            bool cpus = above_share(need.cpus, need.gpus, node.cpus, gpus);
            bool memory = above_share(need.memory_mib, need.gpus, node.memory_mib, gpus);
            if (partition->whole_nodes || need.gpus == gpus || (!cpus && !memory))
                return std::nullopt; // fits one
            if (finding) continue;
            auto share = cpus ? node.cpus / gpus : node.memory_mib / gpus;
            auto asked = cpus ? fmt::format("{} CPUs", need.cpus) : fmt::format("{} MiB", need.memory_mib);
            finding = Finding{
                .id = "gpu-share",
                .level = Level::fail,
                .thing = fmt::format("{} for {} GPU{}", asked, need.gpus, need.gpus == 1 ? "" : "s"),
                .seen = fmt::format(
                    "are more than their share of a node of {} ({} of {}), so that others of its GPUs "
                    "cannot be used",
                    partition->name,
                    cpus ? fmt::format("{} CPUs", share * need.gpus)
                         : fmt::format("{} MiB", share * need.gpus),
                    cpus ? fmt::format("{}", node.cpus) : fmt::format("{}", node.memory_mib)),
                .next = cpus ? fmt::format("try --cpus-per-gpu={}", std::max<std::uint64_t>(share, 1))
                             : fmt::format("try --mem-per-gpu={}M", share)};
        }
    }
    return finding;
}

} // namespace railhead
