#include "rules/node_shape.hpp"

#include "slurm/hostlist.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace railhead {
namespace {

/// What one node must give at least, whatever Slurm chooses.
struct Need {
    std::uint64_t tasks = 1, cpus = 1, memory_mib = 0;
    std::string cpus_asked; ///< as the user knows it
};

Need need_of(const JobRequest& job) {
    Need need;
    // Beside --ntasks, --ntasks-per-node is but the most that a node takes (sbatch(1)).
    need.tasks = job.tasks ? tasks_on_one_node(job) : job.tasks_per_node.value_or(1);
    std::uint64_t each = job.cpus_per_task.value_or(1);
    if (job.overcommit) each = need.tasks = 1;
    need.cpus = product(each, need.tasks);
    need.cpus_asked = need.tasks > 1 ? fmt::format("{} CPUs for {} tasks", need.cpus, need.tasks)
                                     : fmt::format("{} CPUs per task", each);
    for (const auto* item : gpu_items(job)) {
        auto gpus = demand_of(*item, job).on_one_node;
        if (!job.cpus_per_gpu || product(*job.cpus_per_gpu, gpus) <= need.cpus) continue;
        need.cpus = product(*job.cpus_per_gpu, gpus);
        need.cpus_asked = fmt::format("{} CPUs for {} GPUs", need.cpus, gpus);
    }
    need.memory_mib = job.memory_per_node_mib.value_or(0);
    return need;
}

bool has_gpus(const NodeClass& node, const std::vector<Demand>& demands) {
    return std::all_of(demands.begin(), demands.end(), [&](const Demand& demand) {
        return gpus_of_class(node, demand.type) >= demand.on_every_node;
    });
}

/// The best that nodes with the GPUs have, and how many have all that is needed.
struct Found {
    std::uint64_t cpus = 0, memory_mib = 0; ///< of nodes with the GPUs
    std::uint64_t nodes = 0;                ///< with everything
    std::uint64_t with_gpus = 0;            ///< with the GPUs
    std::string unfit;                      ///< named in --nodelist, and not one of `nodes`
};

class Search {
  public:
    Search(const JobRequest& job, const Inventory& inventory)
        : inventory_(inventory), need_(need_of(job)), wanted_(indices_of(job.nodelist)),
          excluded_(indices_of(job.exclude)) {
        for (const auto* item : gpu_items(job)) demands_.push_back(demand_of(*item, job));
    }

    const Need& need() const { return need_; }

    Found in(const Partition& partition) const {
        Found found;
        for (auto [index, nodes] : partition.class_sizes) {
            const auto& node = inventory_.classes[index];
            if (!has_gpus(node, demands_)) continue;
            found.with_gpus += nodes;
            found.cpus = std::max<std::uint64_t>(found.cpus, node.cpus);
            found.memory_mib = std::max(found.memory_mib, node.memory_mib);
            if (fits(index)) found.nodes += nodes;
        }
        for (auto index : excluded_)
            if (is_in(partition, index) && fits(inventory_.nodes[index].node_class)) --found.nodes;
        for (auto index : wanted_)
            if (!is_in(partition, index) || !fits(inventory_.nodes[index].node_class))
                found.unfit = inventory_.nodes[index].name;
        return found;
    }

    bool is_in(const Partition& partition, std::uint32_t node) const {
        return std::binary_search(partition.nodes.begin(), partition.nodes.end(), node);
    }
    const std::set<std::uint32_t>& wanted() const { return wanted_; }

  private:
    bool fits(std::uint32_t node_class) const {
        const auto& node = inventory_.classes[node_class];
        return has_gpus(node, demands_) && node.cpus >= need_.cpus && node.memory_mib >= need_.memory_mib;
    }
    std::set<std::uint32_t> indices_of(const std::string& hosts) const {
        std::set<std::uint32_t> found;
        for (const auto& name : expand_hostlist(hosts).value_or(std::vector<std::string>{}))
            if (auto index = inventory_.index_of(name)) found.insert(*index);
        return found;
    }

    const Inventory& inventory_;
    Need need_;
    std::vector<Demand> demands_;
    std::set<std::uint32_t> wanted_, excluded_;
};

Finding finding(std::string thing, std::string seen, std::string next) {
    return {.id = "node-shape",
            .level = Level::fail,
            .thing = std::move(thing),
            .seen = std::move(seen),
            .next = std::move(next)};
}

Finding too_many_cpus(const JobRequest& job, const Need& need, const Found& found, const std::string& of) {
    auto each = found.cpus / std::max<std::uint64_t>(need.tasks, 1);
    std::string next = fmt::format("use fewer tasks on a node (--ntasks-per-node={})", found.cpus);
    if (need.cpus_asked.ends_with("GPUs"))
        next = "try a smaller --cpus-per-gpu";
    else if (each > 0 && job.cpus_per_task)
        next = fmt::format("try --cpus-per-task={}", each);
    return finding(need.cpus_asked, fmt::format("are more than any {} has ({})", of, found.cpus), next);
}

} // namespace

std::optional<Finding> node_shape_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions) {
    if (job.modify) return std::nullopt;
    Search search(job, inventory);
    const auto& need = search.need();
    std::uint64_t nodes = job.nodes_min.value_or(1);
    Found best;
    for (const auto* partition : partitions) {
        auto found = search.in(*partition);
        if (found.nodes >= nodes && found.unfit.empty()) return std::nullopt;
        if (best.with_gpus == 0 || found.nodes > best.nodes) best = found;
    }
    if (best.with_gpus == 0) return std::nullopt;
    auto of = fmt::format("node of {}{}", describe(partitions),
                          gpu_items(job).empty() ? "" : " with the GPUs asked for");
    if (need.cpus > best.cpus) return too_many_cpus(job, need, best, of);
    if (need.memory_mib > best.memory_mib)
        return finding(fmt::format("--mem={}M", need.memory_mib),
                       fmt::format("is more than any {} has ({} MiB)", of, best.memory_mib),
                       fmt::format("try --mem={}M", best.memory_mib));
    if (!best.unfit.empty())
        return finding(
            best.unfit,
            fmt::format("is named in --nodelist, and is no {} that has what the job asks of a node", of),
            "leave it out, or ask less");
    if (best.nodes >= nodes || best.with_gpus < nodes) return std::nullopt; // too few at all: gpus-total's
    return finding(nodes == 1 ? "1 node" : fmt::format("{} nodes", nodes),
                   fmt::format("{} more than {} can give with what the job asks of each ({})",
                               nodes == 1 ? "is" : "are", describe(partitions), best.nodes),
                   best.nodes > 0 ? fmt::format("try --nodes={}", best.nodes) : "exclude fewer nodes");
}

} // namespace railhead
