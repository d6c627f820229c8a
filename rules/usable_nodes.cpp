#include "rules/usable_nodes.hpp"

#include "slurm/hostlist.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

namespace railhead {
namespace {

constexpr std::size_t most_features = 8;

bool is_in(const std::vector<std::uint32_t>& nodes, std::uint32_t node) {
    return std::binary_search(nodes.begin(), nodes.end(), node);
}

bool fits(const NodeClass& node, const std::vector<Constraint::Features>& sets) {
    return sets.empty() || std::any_of(sets.begin(), sets.end(),
                                       [&](const auto& set) { return has_all(node.features, set); });
}

void need_memory(NodeNeed& need, std::uint64_t mib, NodeNeed::By by) {
    if (mib <= need.memory_mib) return;
    need.memory_mib = mib;
    need.memory_by = by;
}

} // namespace

NodeNeed on_cores(NodeNeed need, std::uint32_t threads) {
    std::uint64_t each = std::max(threads, 1u);
    if (need.memory_per_cpu_mib == 0 || need.cpus % each == 0 || need.cpus > UINT32_MAX) return need;
    need.cpus += each - need.cpus % each;
    need_memory(need, product(need.memory_per_cpu_mib, need.cpus), NodeNeed::By::cpu);
    return need;
}

NodeNeed node_need_of(const JobRequest& job, const Inventory& inventory) {
    NodeNeed need;
    // Beside --ntasks, --ntasks-per-node is but the most that a node takes (sbatch(1)).
    need.tasks = job.tasks ? tasks_on_one_node(job) : job.tasks_per_node.value_or(1);
    std::uint64_t with_memory = 0; // 26.05 does not hold --gpus to --mem-per-gpu
    for (const auto* item : gpu_items(job)) {
        auto gpus = demand_of(*item, job).on_one_node;
        need.gpus = std::max(need.gpus, gpus);
        if (item->per != Per::job) with_memory = std::max(with_memory, gpus);
        if (item->per == Per::task) need.tasks = std::max(need.tasks, tasks_with_gpus_on_one_node(job));
    }
    if (job.tasks_per_gpu && !job.tasks)
        need.tasks = std::max(need.tasks, product(*job.tasks_per_gpu, need.gpus));
    if (job.overcommit) need.tasks = 1;
    need.cpus = job.overcommit ? 1 : product(job.cpus_per_task.value_or(1), need.tasks);
    if (auto cpus = product(job.cpus_per_gpu.value_or(0), need.gpus); cpus > need.cpus) {
        need.cpus = cpus;
        need.cpus_by = NodeNeed::By::gpu;
    }
    need_memory(need, job.memory_per_node_mib.value_or(0), NodeNeed::By::node);
    need_memory(need, product(job.memory_per_cpu_mib.value_or(0), need.cpus), NodeNeed::By::cpu);
    if (inventory.counts_cores && !job.some_cpus)
        need.memory_per_cpu_mib = job.memory_per_cpu_mib.value_or(0);
    need_memory(need, product(job.memory_per_gpu_mib.value_or(0), with_memory), NodeNeed::By::gpu);
    return need;
}

bool names_sets(const std::string& hosts) {
    return hosts.find('{') != std::string::npos;
}

std::string unknown_host(const std::string& hosts, const Inventory& inventory) {
    if (hosts.empty() || names_sets(hosts)) return "";
    for (const auto& name : expand_hostlist(hosts).value_or(std::vector<std::string>{}))
        if (!inventory.index_of(name)) return name;
    return "";
}

UsableNodes::UsableNodes(const JobRequest& job, const Inventory& inventory)
    : job_(job), inventory_(inventory), need_(node_need_of(job, inventory)),
      wanted_(indices_of(job.nodelist)), excluded_(indices_of(job.exclude)) {
    for (const auto* item : gpu_items(job)) demands_.push_back(demand_of(*item, job));
    if (auto constraint = parse_constraint(job.features)) {
        sets_ = std::move(constraint->any_of);
        same_on_all_ = constraint->same_on_all;
    }
    const auto* reservation = inventory.reservation(job.reservation);
    if (reservation && reservation->nodes) reserved_ = &*reservation->nodes;
    for (const auto& node : inventory.classes)
        class_fits_.push_back(has_gpus(node) && fits(node, sets_) && has_room(node));
}

bool UsableNodes::has_gpus(const NodeClass& node) const {
    return std::all_of(demands_.begin(), demands_.end(), [&](const Demand& demand) {
        return gpus_of_class(node, demand.type) >= demand.on_every_node;
    });
}

bool UsableNodes::has_room(const NodeClass& node) const {
    return cpus_for(job_, node) >= need_.cpus && tasks_for(job_, node) >= need_.tasks &&
           node.memory_mib >= on_cores(need_, node.threads).memory_mib;
}

std::map<std::uint32_t, std::uint64_t> UsableNodes::given(const Partition& partition) const {
    if (!reserved_) return {partition.class_sizes.begin(), partition.class_sizes.end()};
    std::map<std::uint32_t, std::uint64_t> classes;
    for (auto node : *reserved_)
        if (is_in(partition.nodes, node)) ++classes[inventory_.nodes[node].node_class];
    return classes;
}

UsableNodes::Count UsableNodes::count(const Partition& partition, const Sets& sets) const {
    Count count;
    for (auto [index, nodes] : partition.class_sizes)
        if (has_gpus(inventory_.classes[index])) count.with_gpus += nodes;
    for (auto [index, nodes] : given(partition)) {
        const auto& node = inventory_.classes[index];
        if (!has_gpus(node)) continue;
        count.in_reservation += nodes;
        if (!fits(node, sets)) continue;
        count.with_features += nodes;
        count.most_cpus = std::max<std::uint64_t>(count.most_cpus, cpus_for(job_, node));
        count.most_tasks = std::max(count.most_tasks, tasks_for(job_, node));
        count.most_memory_mib = std::max(count.most_memory_mib, node.memory_mib);
        if (has_room(node)) count.classes[index] = nodes;
    }
    for (auto node : excluded_) {
        auto its = count.classes.find(inventory_.nodes[node].node_class);
        bool counted = is_in(partition.nodes, node) && (!reserved_ || is_in(*reserved_, node));
        if (counted && its != count.classes.end()) --its->second;
    }
    for (auto [index, nodes] : count.classes) count.all += nodes;
    return count;
}

UsableNodes::Count UsableNodes::in(const Partition& partition) const {
    if (!same_on_all_) return count(partition, sets_);
    Count best;
    for (const auto& set : sets_) {
        auto next = count(partition, {set});
        if (std::pair(next.all, next.with_features) >= std::pair(best.all, best.with_features))
            best = std::move(next);
    }
    return best;
}

bool UsableNodes::fits_alone(std::uint32_t node) const {
    return class_fits_[inventory_.nodes[node].node_class] && (!reserved_ || is_in(*reserved_, node));
}

std::vector<std::uint32_t> UsableNodes::on_leaves_of(const Partition& partition) const {
    std::map<std::optional<std::uint32_t>, std::uint32_t> nodes; // by leaf
    auto counted = [&](std::uint32_t node) { return is_in(partition.nodes, node) && fits_alone(node); };
    if (reserved_) {
        for (auto node : *reserved_)
            if (counted(node)) ++nodes[inventory_.nodes[node].leaf];
    } else {
        for (const auto& share : partition.leaf_shares)
            if (class_fits_[share.node_class]) nodes[share.leaf] += share.nodes;
    }
    for (auto node : excluded_)
        if (counted(node)) --nodes[inventory_.nodes[node].leaf];
    if (nodes[std::nullopt] > 0) return {};
    std::vector<std::uint32_t> sizes;
    for (auto [leaf, number] : nodes)
        if (number > 0) sizes.push_back(number);
    std::sort(sizes.begin(), sizes.end(), std::greater<>());
    return sizes;
}

bool UsableNodes::has_named(const Partition& partition) const {
    return std::includes(partition.nodes.begin(), partition.nodes.end(), wanted_.begin(), wanted_.end());
}

std::string UsableNodes::unfit_in(const Partition& partition) const {
    auto unfit = std::find_if_not(wanted_.begin(), wanted_.end(), [&](std::uint32_t node) {
        return is_in(partition.nodes, node) && fits_alone(node);
    });
    return unfit == wanted_.end() ? "" : inventory_.nodes[*unfit].name;
}

std::string UsableNodes::features_of(const Partition& partition) const {
    std::set<std::string> features;
    for (auto [index, nodes] : given(partition))
        if (has_gpus(inventory_.classes[index]))
            features.insert(inventory_.classes[index].features.begin(),
                            inventory_.classes[index].features.end());
    while (features.size() > most_features) features.erase(std::prev(features.end()));
    return fmt::format("{}", fmt::join(features, ", "));
}

std::set<std::uint32_t> UsableNodes::indices_of(const std::string& hosts) const {
    std::set<std::uint32_t> found;
    for (const auto& name : expand_hostlist(hosts).value_or(std::vector<std::string>{}))
        if (auto index = inventory_.index_of(name)) found.insert(*index);
    return found;
}

} // namespace railhead
