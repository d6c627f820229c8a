#include "rules/node_shape.hpp"

#include "rules/job_limits.hpp"
#include "rules/usable_nodes.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

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
    auto cpus = counted(need.cpus, "CPU");
    if (need.cpus_by == NodeNeed::By::gpu) return fmt::format("{} for {}", cpus, counted(need.gpus, "GPU"));
    return need.tasks > 1 ? fmt::format("{} for {} tasks", cpus, need.tasks) : cpus + " per task";
}

std::string memory_asked(const NodeNeed& need) {
    auto mib = need.memory_mib;
    if (need.memory_by == NodeNeed::By::node) return fmt::format("--mem={}M", mib);
    return fmt::format("{} MiB for {}", mib,
                       need.memory_by == NodeNeed::By::cpu ? counted(need.cpus, "CPU")
                                                           : counted(need.gpus, "GPU"));
}

/// What slurm.conf adds to a job is named: its user did not ask for it.
std::string by_default(const char* name, const std::optional<std::uint64_t>& asked,
                       const std::optional<std::uint64_t>& preset) {
    return asked || !preset ? "" : fmt::format(" ({}={})", name, *preset);
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

/// A job in one of its partitions, as `asked` and with what slurm.conf adds; `partitions` are all of them,
/// for the text.
class Shape {
  public:
    Shape(const JobRequest& asked, const JobRequest& job, const Inventory& inventory,
          const Partition& partition, const Partitions& partitions)
        : asked_(asked), job_(job), inventory_(inventory), partition_(partition), partitions_(partitions),
          usable_(job, inventory), count_(usable_.in(partition)),
          nodes_max_(job.nodes_max.value_or(UINT32_MAX)) {
        auto most = nodes_for_a_job(inventory, partition, job.lifts);
        if (most >= nodes()) nodes_max_ = std::min(nodes_max_, most); // else gpus_total_rule says so
    }

    std::uint64_t usable_nodes() const { return count_.all; }
    /// Too few with the GPUs at all: gpu-type, gpus-per-node or gpus-total say so.
    bool lacks_gpus() const { return count_.with_gpus < nodes(); }

    /// Where each of several types is on enough nodes, but not all of them on the same (22.05, 24.11, 26.05).
    /// Those of tasks are left alone: 24.11 takes one of them.
    std::optional<Finding> types_apart() const {
        std::vector<std::string> types;
        for (const auto* item : gpu_items(asked_)) {
            Demand demand{.type = item->type, .on_every_node = demand_of(*item, asked_).on_every_node};
            if (item->per == Per::task || nodes_with(inventory_, {&partition_}, demand) < nodes())
                return std::nullopt;
            types.push_back(spelled(*item));
        }
        if (types.size() < 2) return std::nullopt;
        return finding(fmt::format("{}", fmt::join(types, " and ")),
                       fmt::format("are together on {} of {}, and each node of a job has some of all that it "
                                   "asks for",
                                   count_.with_gpus == 0 ? "no node" : counted(count_.with_gpus, "node"),
                                   describe(partitions_)),
                       "ask for one type, or one component for each (a heterogeneous job, \":\")");
    }

    std::optional<Finding> problem() const {
        if (auto above = above_job_limits(job_, inventory_, partition_)) return above;
        if (count_.in_reservation < nodes() && usable_.confined()) return too_small_a_reservation();
        if (count_.with_features < nodes()) return too_few_features();
        if (usable_.need().cpus > count_.most_cpus) return too_many_cpus();
        if (usable_.need().tasks > count_.most_tasks) return too_many_tasks_on_a_node();
        if (on_cores(usable_.need(), fewest_threads()).memory_mib > count_.most_memory_mib)
            return too_much_memory();
        // Of more names than the job may have nodes, 24.11 and 26.05 leave out those that do not fit; 22.05
        // rejects the list itself.
        const bool takes_all = usable_.named() <= job_.nodes_max.value_or(UINT32_MAX);
        if (auto node = usable_.unfit_in(partition_); takes_all && !node.empty())
            return not_in_partition(node).value_or(finding(
                node,
                fmt::format("is named in --nodelist, and is no {} that has what the job asks of a "
                            "node{}",
                            kind(), usable_.confined() ? " and is in reservation " + job_.reservation : ""),
                usable_.confined() ? "leave it out" : "leave it out, or ask less"));
        if (count_.all < nodes()) return too_few_nodes();
        if (auto gpus = too_many_gpus()) return gpus;
        return too_many_tasks();
    }

  private:
    std::uint64_t nodes() const { return job_.nodes_min.value_or(1); }
    /// Nodes that the job may have at most.
    std::uint64_t taken() const { return std::min<std::uint64_t>(count_.all, nodes_max_); }

    /// "node of partition gpu with the GPUs asked for"
    std::string kind() const {
        return fmt::format("node of {}{}", describe(partitions_),
                           usable_.demands().empty() ? "" : " with the GPUs asked for");
    }

    Finding too_small_a_reservation() const {
        auto fewer = count_.in_reservation;
        return finding(counted(nodes(), "node"),
                       fmt::format("{} more than reservation {} gives of {}{} ({})",
                                   nodes() == 1 ? "is" : "are", job_.reservation, describe(partitions_),
                                   usable_.demands().empty() ? "" : " with the GPUs asked for", fewer),
                       fewer > 0 ? fmt::format("try --nodes={}", fewer) : "leave out --reservation");
    }

    Finding too_few_features() const {
        auto there = usable_.features_of(partition_);
        auto constraint = fmt::format("--constraint=\"{}\"", job_.features);
        if (count_.with_features > 0)
            return finding(counted(nodes(), "node"),
                           fmt::format("are more than {} of {}{} leaves ({})", constraint,
                                       describe(partitions_), usable_.confined() ? " in the reservation" : "",
                                       count_.with_features),
                           fmt::format("try --nodes={}", count_.with_features));
        return finding(constraint, fmt::format("is met by no {}", kind()),
                       there.empty() ? "leave it out, no feature is configured there"
                                     : fmt::format("choose of the features there: {}", there));
    }

    Finding too_many_cpus() const {
        const auto& need = usable_.need();
        auto preset = need.cpus_by == NodeNeed::By::gpu
                          ? by_default("DefCpuPerGPU", asked_.cpus_per_gpu, job_.cpus_per_gpu)
                          : "";
        return finding(cpus_asked(need) + preset,
                       fmt::format("{} more than any {} has ({}{})", need.cpus == 1 ? "is" : "are", kind(),
                                   count_.most_cpus, by_threads()),
                       fewer_cpus());
    }

    std::optional<Finding> not_in_partition(const std::string& node) const {
        auto has_all = [&](const Partition* each) { return usable_.has_named(*each); };
        if (std::any_of(partitions_.begin(), partitions_.end(), has_all)) return std::nullopt;
        if (partitions_.size() > 1)
            return finding("--nodelist=" + job_.nodelist,
                           fmt::format("names nodes that no one of {} has all of", describe(partitions_)),
                           "name nodes of one of them");
        std::vector<std::string> ways;
        for (const auto& other : inventory_.partitions)
            if (other.open && usable_.has_named(other)) ways.push_back(option_for(other, job_));
        return finding(node, fmt::format("is named in --nodelist, and is not in {}", describe(partitions_)),
                       ways.empty() ? "leave it out" : try_one_of(std::move(ways)) + " or leave it out");
    }

    /// By --ntasks-per-core or --ntasks-per-socket.
    Finding too_many_tasks_on_a_node() const {
        auto bound = job_.tasks_per_socket ? fmt::format("--ntasks-per-socket={}", *job_.tasks_per_socket)
                                           : fmt::format("--ntasks-per-core={}", *job_.tasks_per_core);
        return finding(
            fmt::format("{} on a node", counted(usable_.need().tasks, "task")),
            fmt::format("are more than {} allows on any {} ({})", bound, kind(), count_.most_tasks),
            "ask for fewer tasks or more nodes");
    }

    std::string by_threads() const {
        auto threads = job_.threads_per_core.value_or(UINT32_MAX);
        bool fewer =
            std::any_of(partition_.class_sizes.begin(), partition_.class_sizes.end(),
                        [&](auto& size) { return inventory_.classes[size.first].threads > threads; });
        return fewer ? fmt::format(", with {} of each core", counted(threads, "thread")) : "";
    }

    std::string fewer_cpus() const {
        const auto& need = usable_.need();
        auto most = count_.most_cpus;
        std::uint64_t each = job_.cpus_per_task.value_or(1);
        if (need.cpus_by == NodeNeed::By::gpu)
            return most < need.gpus ? "ask fewer GPUs"
                                    : fmt::format("try --cpus-per-gpu={}", most / need.gpus);
        if (job_.cpus_per_task && most >= need.tasks) return "try " + cpus_option(most / need.tasks, job_);
        if (each > most) return "ask for less";
        if (!job_.tasks) return fmt::format("try --ntasks-per-node={}", most / each);
        auto on_a_node = most / each;
        return try_one_of({fmt::format("--nodes={}", (*job_.tasks + on_a_node - 1) / on_a_node),
                           fmt::format("--ntasks={}", product(on_a_node, job_.nodes_max.value_or(1)))});
    }

    Finding too_much_memory() const {
        const auto need = on_cores(usable_.need(), fewest_threads());
        bool rounded = need.cpus > usable_.need().cpus;
        auto most = count_.most_memory_mib;
        bool whole = need.memory_by == NodeNeed::By::node;
        auto preset = need.memory_by == NodeNeed::By::gpu
                          ? by_default("DefMemPerGPU", asked_.memory_per_gpu_mib, job_.memory_per_gpu_mib)
                          : "";
        return finding(memory_asked(need) + preset + (rounded ? " of whole cores" : ""),
                       fmt::format("{} more than any {} has ({} MiB)", whole ? "is" : "are", kind(), most),
                       less_memory());
    }

    std::string less_memory() const {
        const auto& need = usable_.need();
        auto most = count_.most_memory_mib;
        if (need.memory_by == NodeNeed::By::node) return fmt::format("try --mem={}M", most);
        if (need.memory_by == NodeNeed::By::cpu)
            return fmt::format("try --mem-per-cpu={}M or fewer CPUs on a node", most / cpus_of_cores());
        return fmt::format("try --mem-per-gpu={}M", most / std::max<std::uint64_t>(need.gpus, 1));
    }

    std::uint32_t fewest_threads() const {
        auto threads = UINT32_MAX;
        for (auto [index, nodes] : partition_.class_sizes)
            threads = std::min(threads, inventory_.classes[index].threads);
        return threads == UINT32_MAX ? 1 : threads;
    }

    /// What the memory for each CPU is counted for: all threads of the cores that the job gets.
    std::uint64_t cpus_of_cores() const {
        std::uint64_t threads = 1;
        for (auto [index, nodes] : partition_.class_sizes)
            threads = std::max<std::uint64_t>(threads, inventory_.classes[index].threads);
        return std::max<std::uint64_t>((usable_.need().cpus + threads - 1) / threads * threads, 1);
    }

    Finding too_few_nodes() const {
        return finding(counted(nodes(), "node"),
                       fmt::format("{} more than {} can give with what the job asks of each ({})",
                                   nodes() == 1 ? "is" : "are", describe(partitions_), count_.all),
                       count_.all > 0 ? fmt::format("try --nodes={}", count_.all) : "exclude fewer nodes");
    }

    std::optional<Finding> too_many_gpus() const {
        for (const auto* item : gpu_items(job_)) {
            auto demand = demand_of(*item, job_);
            auto most =
                most_together(count_, std::min(demand.nodes_max, nodes_max_), [&](std::uint32_t index) {
                    return gpus_of_class(inventory_.classes[index], item->type);
                });
            if (demand.total <= most || !can_hold(inventory_, {&partition_}, demand)) continue;
            auto fewer = *item;
            fewer.count = most;
            return finding(spelled(*item),
                           fmt::format("is more than the nodes of {} that have what else the job asks for "
                                       "hold ({} on {})",
                                       describe(partitions_), most, counted(taken(), "node")),
                           item->per == Per::job ? "try " + option_for(fewer, *item, job_) : "ask less");
        }
        return std::nullopt;
    }

    /// A task's CPUs are on one node.
    std::optional<Finding> too_many_tasks() const {
        if (!job_.tasks || job_.overcommit) return std::nullopt;
        std::uint64_t each = job_.cpus_per_task.value_or(1);
        std::uint64_t limit = job_.tasks_per_node.value_or(UINT32_MAX);
        auto cpus = partition_.max_cpus_per_node.value_or(UINT32_MAX);
        auto most = most_together(count_, nodes_max_, [&](std::uint32_t index) {
            const auto& node = inventory_.classes[index];
            return std::min({std::min(cpus_for(job_, node), cpus) / each, tasks_for(job_, node), limit});
        });
        if (*job_.tasks <= most) return std::nullopt;
        return finding(
            fmt::format("{}{}", counted(*job_.tasks, "task"),
                        each > 1 ? fmt::format(" of {} CPUs", each) : ""),
            fmt::format("are more than the nodes of {} that have what else the job asks for can take ({} on "
                        "{})",
                        describe(partitions_), most, counted(taken(), "node")),
            fmt::format("try --ntasks={}", most));
    }

    const JobRequest& asked_;
    const JobRequest& job_;
    const Inventory& inventory_;
    const Partition& partition_;
    const Partitions& partitions_;
    UsableNodes usable_;
    UsableNodes::Count count_;
    std::uint32_t nodes_max_; ///< the job's, or the partition's
};

} // namespace

std::optional<Finding> node_shape_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions) {
    if (job.modify) return std::nullopt;
    std::uint64_t most = 0;
    std::optional<Finding> finding; // of the partition with most nodes for it
    for (const auto* partition : partitions) {
        auto filled = with_gpu_defaults(job, partition->limits);
        Shape shape(job, filled ? *filled : job, inventory, *partition, partitions);
        auto problem = shape.problem();
        if (!problem) return std::nullopt;
        if (most > 0 && shape.usable_nodes() <= most) continue;
        most = std::max<std::uint64_t>(shape.usable_nodes(), 1);
        finding = shape.lacks_gpus() ? shape.types_apart() : std::move(problem);
    }
    return finding;
}

} // namespace railhead
