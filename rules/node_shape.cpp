#include "rules/node_shape.hpp"

#include "rules/usable_nodes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

namespace railhead {
namespace {

Finding finding(std::string thing, std::string seen, std::string next) {
    return {.id = "node-shape",
            .level = Level::fail,
            .thing = std::move(thing),
            .seen = std::move(seen),
            .next = std::move(next)};
}

std::string counted(std::uint64_t number, const char* what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

/// As the user knows it: "24 CPUs for 8 tasks".
std::string cpus_asked(const NodeNeed& need) {
    auto cpus = fmt::format("{} CPUs", need.cpus);
    if (need.cpus_by == NodeNeed::By::gpu) return fmt::format("{} for {} GPUs", cpus, need.gpus);
    return need.tasks > 1 ? fmt::format("{} for {} tasks", cpus, need.tasks) : cpus + " per task";
}

std::string memory_asked(const NodeNeed& need) {
    auto mib = need.memory_mib;
    if (need.memory_by == NodeNeed::By::node) return fmt::format("--mem={}M", mib);
    return need.memory_by == NodeNeed::By::cpu ? fmt::format("{} MiB for {} CPUs", mib, need.cpus)
                                               : fmt::format("{} MiB for {} GPUs", mib, need.gpus);
}

/// What `of_class` gives over the usable nodes, the best ones first, as many as the job may have.
std::uint64_t most_together(const UsableNodes::Count& count, std::uint64_t nodes_max,
                            const std::function<std::uint64_t(std::uint32_t)>& of_class) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> sizes;
    for (auto [index, nodes] : count.classes) sizes.emplace_back(of_class(index), nodes);
    std::sort(sizes.rbegin(), sizes.rend());
    std::uint64_t sum = 0;
    for (auto [each, nodes] : sizes) {
        auto taken = std::min(nodes, nodes_max);
        sum += product(each, taken);
        nodes_max -= taken;
    }
    return sum;
}

class Shape {
  public:
    Shape(const JobRequest& job, const Inventory& inventory, const Partitions& partitions)
        : job_(job), inventory_(inventory), partitions_(partitions), usable_(job, inventory) {}

    std::optional<Finding> verdict() {
        const Partition* best = nullptr;
        for (const auto* partition : partitions_) {
            auto count = usable_.in(*partition);
            if (!problem_in(*partition, count)) return std::nullopt;
            if (best && count.all <= best_.all) continue;
            best = partition;
            best_ = std::move(count);
        }
        // Too few with the GPUs at all: gpu-type, gpus-per-node or gpus-total say so.
        if (!best || best_.with_gpus < nodes()) return std::nullopt;
        return problem_in(*best, best_);
    }

  private:
    std::uint64_t nodes() const { return job_.nodes_min.value_or(1); }

    std::optional<Finding> problem_in(const Partition& partition, const UsableNodes::Count& count) const {
        if (count.in_reservation < nodes() && usable_.confined()) return too_small_a_reservation(count);
        if (count.with_features < nodes()) return too_few_features(partition, count);
        if (usable_.need().cpus > count.most_cpus) return too_many_cpus(count);
        if (usable_.need().memory_mib > count.most_memory_mib) return too_much_memory(count);
        if (auto node = usable_.unfit_in(partition); !node.empty())
            return finding(node,
                           fmt::format("is named in --nodelist, and is no {} that has what the job asks of a "
                                       "node",
                                       kind()),
                           "leave it out, or ask less");
        if (count.all < nodes()) return too_few_nodes(count);
        if (auto gpus = too_many_gpus(partition, count)) return gpus;
        return too_many_tasks(count);
    }

    /// "node of partition gpu with the GPUs asked for"
    std::string kind() const {
        return fmt::format("node of {}{}", describe(partitions_),
                           usable_.demands().empty() ? "" : " with the GPUs asked for");
    }

    Finding too_small_a_reservation(const UsableNodes::Count& count) const {
        auto fewer = count.in_reservation;
        return finding(counted(nodes(), "node"),
                       fmt::format("{} more than reservation {} gives of {}{} ({})",
                                   nodes() == 1 ? "is" : "are", job_.reservation, describe(partitions_),
                                   usable_.demands().empty() ? "" : " with the GPUs asked for", fewer),
                       fewer > 0 ? fmt::format("try --nodes={}", fewer) : "leave out --reservation");
    }

    Finding too_few_features(const Partition& partition, const UsableNodes::Count& count) const {
        auto there = usable_.features_of(partition);
        auto constraint = fmt::format("--constraint=\"{}\"", job_.features);
        if (count.with_features > 0)
            return finding(counted(nodes(), "node"),
                           fmt::format("are more than {} of {}{} leaves ({})", constraint,
                                       describe(partitions_), usable_.confined() ? " in the reservation" : "",
                                       count.with_features),
                           fmt::format("try --nodes={}", count.with_features));
        return finding(constraint, fmt::format("is met by no {}", kind()),
                       there.empty() ? "leave it out, no feature is configured there"
                                     : fmt::format("choose of the features there: {}", there));
    }

    Finding too_many_cpus(const UsableNodes::Count& count) const {
        const auto& need = usable_.need();
        auto each = count.most_cpus / std::max<std::uint64_t>(need.tasks, 1);
        std::string next = fmt::format("use fewer tasks on a node (--ntasks-per-node={})", count.most_cpus);
        if (need.cpus_by == NodeNeed::By::gpu)
            next = "try a smaller --cpus-per-gpu";
        else if (each > 0 && job_.cpus_per_task)
            next = fmt::format("try --cpus-per-task={}", each);
        return finding(cpus_asked(need),
                       fmt::format("are more than any {} has ({})", kind(), count.most_cpus), next);
    }

    Finding too_much_memory(const UsableNodes::Count& count) const {
        const auto& need = usable_.need();
        auto most = count.most_memory_mib;
        bool whole = need.memory_by == NodeNeed::By::node;
        return finding(memory_asked(need),
                       fmt::format("{} more than any {} has ({} MiB)", whole ? "is" : "are", kind(), most),
                       whole ? fmt::format("try --mem={}M", most)
                       : need.memory_by == NodeNeed::By::cpu
                           ? fmt::format("try --mem-per-cpu={}M, or fewer CPUs on a node",
                                         most / std::max<std::uint64_t>(need.cpus, 1))
                           : "try a smaller --mem-per-gpu");
    }

    Finding too_few_nodes(const UsableNodes::Count& count) const {
        return finding(counted(nodes(), "node"),
                       fmt::format("{} more than {} can give with what the job asks of each ({})",
                                   nodes() == 1 ? "is" : "are", describe(partitions_), count.all),
                       count.all > 0 ? fmt::format("try --nodes={}", count.all) : "exclude fewer nodes");
    }

    std::optional<Finding> too_many_gpus(const Partition& partition, const UsableNodes::Count& count) const {
        for (const auto* item : gpu_items(job_)) {
            auto demand = demand_of(*item, job_);
            auto most = most_together(count, demand.nodes_max, [&](std::uint32_t index) {
                return gpus_of_class(inventory_.classes[index], item->type);
            });
            if (demand.total <= most || !can_hold(inventory_, {&partition}, demand)) continue;
            auto fewer = *item;
            fewer.count = most;
            return finding(spelled(*item),
                           fmt::format("is more than the nodes of {} that have what else the job asks for "
                                       "hold ({} on {})",
                                       describe(partitions_), most, counted(count.all, "node")),
                           item->per == Per::job ? "try " + option_for(fewer, *item, job_) : "ask less");
        }
        return std::nullopt;
    }

    /// A task's CPUs are on one node.
    std::optional<Finding> too_many_tasks(const UsableNodes::Count& count) const {
        if (!job_.tasks || job_.overcommit) return std::nullopt;
        std::uint64_t each = job_.cpus_per_task.value_or(1);
        std::uint64_t limit = job_.tasks_per_node.value_or(UINT32_MAX);
        auto most = most_together(count, job_.nodes_max.value_or(UINT32_MAX), [&](std::uint32_t index) {
            return std::min(inventory_.classes[index].cpus / each, limit);
        });
        if (*job_.tasks <= most) return std::nullopt;
        return finding(
            fmt::format("{} tasks{}", *job_.tasks, each > 1 ? fmt::format(" of {} CPUs", each) : ""),
            fmt::format("are more than the nodes of {} that have what else the job asks for can take ({} on "
                        "{})",
                        describe(partitions_), most, counted(count.all, "node")),
            fmt::format("try --ntasks={}", most));
    }

    const JobRequest& job_;
    const Inventory& inventory_;
    const Partitions& partitions_;
    UsableNodes usable_;
    UsableNodes::Count best_;
};

} // namespace

std::optional<Finding> node_shape_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions) {
    if (job.modify) return std::nullopt;
    return Shape(job, inventory, partitions).verdict();
}

} // namespace railhead
