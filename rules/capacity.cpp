#include "rules/capacity.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace railhead {
namespace {

bool is_one_of(const Partition& partition, const Partitions& partitions) {
    return std::find(partitions.begin(), partitions.end(), &partition) != partitions.end();
}

enum class Untyped { counts, does_not };

std::uint64_t gpus_of(const NodeClass& node, const std::string& type, Untyped untyped) {
    std::uint64_t count = 0;
    for (const auto& gres : node.gres) {
        bool matches = type.empty() || gres.type == type;
        if (gres.gres == "gpu" && (matches || (gres.type.empty() && untyped == Untyped::counts)))
            count += gres.count;
    }
    return count;
}

/// GPUs of a node and number of such nodes, the biggest nodes first.
using NodeSizes = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

/// Of the first `nodes` nodes together, on each a multiple of `unit`: the GPUs of a task are on one node.
std::uint64_t gpus_of(const NodeSizes& sizes, std::uint64_t nodes, std::uint64_t unit) {
    std::uint64_t total = 0;
    for (auto [gpus, count] : sizes) {
        auto taken = std::min<std::uint64_t>(count, nodes);
        total += gpus / unit * unit * taken;
        nodes -= taken;
    }
    return total;
}

NodeSizes sizes_of(const Inventory& inventory, const Partition& partition, const std::string& type,
                   std::uint64_t at_least, Untyped untyped) {
    NodeSizes sizes;
    for (auto [index, nodes] : partition.class_sizes)
        if (auto gpus = gpus_of(inventory.classes[index], type, untyped); gpus >= at_least)
            sizes.emplace_back(gpus, nodes);
    std::sort(sizes.rbegin(), sizes.rend());
    return sizes;
}

bool holds(const Inventory& inventory, const Partition& partition, const Demand& demand, Untyped untyped) {
    auto sizes = sizes_of(inventory, partition, demand.type, demand.on_every_node, untyped);
    auto most = nodes_for_a_job(inventory, partition, demand.lifts);
    std::uint64_t nodes = 0;
    for (const auto& [gpus, count] : sizes) nodes += count;
    return std::min<std::uint64_t>(nodes, most) >= demand.nodes_min && !sizes.empty() &&
           sizes.front().first >= demand.on_one_node &&
           gpus_of(sizes, std::min(demand.nodes_max, most), demand.unit) >= demand.total;
}

/// Of so many names: a site may have a hundred partitions, and a sentence is read. More than one is left out.
std::size_t told_of(std::size_t names) {
    constexpr std::size_t most = 6;
    return names <= most ? names : most - 2;
}

std::string replaced(const GresItem& item, const GresItem& with) {
    return with.type.empty() ? fmt::format("{}:{}", item.gres, with.count)
                             : fmt::format("{}:{}:{}", item.gres, with.type, with.count);
}

/// The whole list of a --gres, for one option replaces all of it.
std::string gres_list(const GresItem& wanted, const GresItem& item, const JobRequest& job) {
    constexpr std::size_t prefix = 5; // "gres/" or "gres:"
    std::string list;
    for (const auto& each : job.gpus.items) {
        if (each.per != Per::node || (each.option != item.option && !job.modify)) continue;
        list += fmt::format("{}{}", list.empty() ? "" : ",",
                            each == item ? replaced(item, wanted) : each.spelling.substr(prefix));
    }
    return list;
}

/// "8", "h100:8"
std::string typed(const GresItem& item) {
    return item.type.empty() ? std::to_string(item.count) : fmt::format("{}:{}", item.type, item.count);
}

/// The whole value of one of sbatch's options for GPUs, which may list several types: "h100:8,a100:4".
std::string type_list(const GresItem& wanted, const GresItem& item, const JobRequest& job) {
    const auto items = gpu_items(job);
    bool one_of_them =
        std::any_of(items.begin(), items.end(), [&](const GresItem* each) { return *each == item; });
    if (!one_of_them || wanted.per != item.per) return typed(wanted);
    std::string list;
    for (const auto* each : items)
        if (each->per == item.per && each->option == item.option)
            list += (list.empty() ? "" : ",") + typed(*each == item ? wanted : *each);
    return list;
}

} // namespace

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
    std::uint64_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

std::uint32_t cpus_for(const JobRequest& job, const NodeClass& node) {
    bool reserves = node.cpus_for_jobs > 0 && !job.core_spec;
    auto cpus = reserves ? std::min(node.cpus_for_jobs, node.cpus) : node.cpus;
    if (!job.threads_per_core || *job.threads_per_core >= node.threads) return cpus;
    return cpus / node.threads * *job.threads_per_core;
}

std::uint64_t tasks_for(const JobRequest& job, const NodeClass& node) {
    if (job.overcommit) return UINT64_MAX;
    std::uint64_t most = UINT64_MAX;
    std::uint64_t threads = std::max(node.threads, 1u), cores = node.cpus / threads;
    if (job.tasks_per_core && *job.tasks_per_core < node.threads)
        most = std::min(most, product(*job.tasks_per_core, cores));
    if (job.tasks_per_socket) { // of whole cores: 22.05 starts 11 tasks of 5 a socket on 2 x 4 cores of 2
                                // threads
        auto of_socket = (*job.tasks_per_socket + threads - 1) / threads * threads;
        most = std::min(most, product(of_socket, node.sockets));
    }
    return most;
}

std::vector<const GresItem*> gpu_items(const JobRequest& job) {
    std::vector<const GresItem*> items;
    for (const auto& item : job.gpus.items)
        if (item.gres == "gpu") items.push_back(&item);
    return items;
}

std::optional<std::uint64_t> tasks_with_gpus(const JobRequest& job) {
    if (job.tasks) return *job.tasks;
    bool nodes_known = job.nodes_min && job.nodes_min == job.nodes_max && !job.nodes_follow_tasks;
    return nodes_known ? std::optional(product(*job.nodes_min, job.tasks_per_gpu.value_or(1))) : std::nullopt;
}

std::optional<JobRequest> with_gpus_of_tasks(const JobRequest& job) {
    if (!job.tasks_per_gpu || job.modify || !gpu_items(job).empty()) return std::nullopt;
    auto tasks = tasks_with_gpus(job);
    if (!tasks || *tasks % *job.tasks_per_gpu != 0) return std::nullopt; // conflict_rule's
    auto filled = job;
    filled.gpus.items.push_back({.gres = "gpu",
                                 .per = Per::job,
                                 .count = *tasks / *job.tasks_per_gpu,
                                 .option = NodeOption::ntasks_per_gpu});
    return filled;
}

std::string spelled(const GresItem& item) {
    auto text = fmt::format("gpu{}{}:{}", item.type.empty() ? "" : ":", item.type, item.count);
    if (item.option == NodeOption::ntasks_per_gpu) return text + " of --ntasks-per-gpu";
    return item.per == Per::job ? text : fmt::format("{} per {}", text, name_of(item.per));
}

QosLifts lifts_for(const std::optional<QosLifts>& of_job, const Inventory& inventory) {
    return of_job ? *of_job : inventory.qos_lifts;
}

std::uint32_t nodes_for_a_job(const Inventory& inventory, const Partition& partition,
                              const std::optional<QosLifts>& lifts) {
    auto nodes = static_cast<std::uint32_t>(partition.nodes.size());
    bool lifted = lifts_for(lifts, inventory).nodes;
    return lifted ? nodes : std::min(nodes, partition.max_nodes.value_or(nodes));
}

std::uint32_t nodes_for_a_job(const Inventory& inventory, const Partitions& partitions,
                              const std::optional<QosLifts>& lifts) {
    std::uint32_t most = 0;
    for (const auto* partition : partitions)
        most = std::max(most, nodes_for_a_job(inventory, *partition, lifts));
    return most;
}

std::uint64_t gpus_of_class(const NodeClass& node, const std::string& type) {
    return gpus_of(node, type, Untyped::counts);
}

std::uint32_t nodes_with(const Inventory& inventory, const Partitions& partitions, const Demand& demand) {
    std::uint64_t most = 0;
    for (const auto* partition : partitions) {
        std::uint64_t nodes = 0;
        for (const auto& [gpus, count] :
             sizes_of(inventory, *partition, demand.type, demand.on_every_node, Untyped::counts))
            nodes += count;
        most = std::max(most, nodes);
    }
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(most, UINT32_MAX));
}

std::string try_one_of(std::vector<std::string> ways, const std::string& else_way) {
    std::erase(ways, "");
    if (ways.empty()) return else_way.empty() ? "" : "try " + else_way;
    bool other = !else_way.empty() && std::find(ways.begin(), ways.end(), else_way) == ways.end();
    return fmt::format("try {}{}{}", fmt::join(ways, " or "), other ? " or else " : "",
                       other ? else_way : "");
}

std::vector<GpuPool> gpu_pools(const Inventory& inventory, const Partitions& partitions) {
    std::map<std::uint32_t, std::uint32_t> sizes; // class -> nodes; partitions often share their nodes
    for (const auto* partition : partitions)
        for (auto [index, nodes] : partition->class_sizes) sizes[index] = std::max(sizes[index], nodes);
    std::vector<GpuPool> pools;
    for (auto [index, nodes] : sizes)
        for (const auto& gres : inventory.classes[index].gres) {
            if (gres.gres != "gpu" || gres.count == 0) continue;
            auto same = std::find_if(pools.begin(), pools.end(), [&](const GpuPool& pool) {
                return pool.type == gres.type && pool.per_node == gres.count;
            });
            if (same == pools.end())
                pools.push_back({gres.type, gres.count, nodes});
            else
                same->nodes += nodes;
        }
    std::stable_sort(pools.begin(), pools.end(),
                     [](const GpuPool& a, const GpuPool& b) { return a.nodes > b.nodes; });
    return pools;
}

std::vector<GpuPool> of_type(std::vector<GpuPool> pools, const std::string& type) {
    if (!type.empty())
        std::erase_if(pools, [&](const GpuPool& pool) { return !pool.type.empty() && pool.type != type; });
    return pools;
}

std::uint64_t most_gpus_per_node(const Inventory& inventory, const Partitions& partitions,
                                 const std::string& type) {
    std::uint64_t most = 0;
    for (const auto* partition : partitions)
        for (auto [index, nodes] : partition->class_sizes)
            most = std::max(most, gpus_of(inventory.classes[index], type, Untyped::counts));
    return most;
}

std::uint64_t most_gpus(const Inventory& inventory, const Partitions& partitions, const std::string& type,
                        std::uint32_t nodes, const std::optional<QosLifts>& lifts, std::uint64_t unit) {
    std::uint64_t most = 0;
    for (const auto* partition : partitions)
        most = std::max(most, gpus_of(sizes_of(inventory, *partition, type, 1, Untyped::counts),
                                      std::min(nodes, nodes_for_a_job(inventory, *partition, lifts)), unit));
    return most;
}

std::uint64_t tasks_on_one_node(const JobRequest& job) {
    if (!job.nodes_max) return 1; // they may spread over any number of nodes
    std::uint64_t nodes = std::max(*job.nodes_max, 1u);
    if (job.tasks) return std::max<std::uint64_t>((*job.tasks + nodes - 1) / nodes, 1);
    return job.tasks_per_node.value_or(1);
}

std::uint64_t tasks_with_gpus_on_one_node(const JobRequest& job) {
    return std::max<std::uint64_t>(tasks_on_one_node(job), job.tasks_per_node.value_or(1));
}

Demand demand_of(const GresItem& item, const JobRequest& job) {
    Demand demand{.type = item.type, .nodes_min = job.nodes_min.value_or(1), .lifts = job.lifts};
    if (job.nodes_max) demand.nodes_max = *job.nodes_max;
    // Each node has a task: 26.05 takes no more nodes, 24.11 takes them and waits for ever (-n1 -G16).
    if (item.per == Per::job && job.tasks) demand.nodes_max = std::min(demand.nodes_max, *job.tasks);
    std::uint64_t nodes = demand.nodes_max, count = item.count;
    if (item.per == Per::job) {
        demand.on_one_node = std::max<std::uint64_t>(nodes > 0 ? count / nodes + (count % nodes > 0) : 1, 1);
        demand.total = count;
        return demand;
    }
    demand.on_every_node = count;
    if (item.per == Per::task) demand.unit = std::max<std::uint64_t>(count, 1);
    demand.on_one_node = item.per == Per::task ? product(count, tasks_with_gpus_on_one_node(job)) : count;
    demand.total = product(count, item.per == Per::task ? job.tasks.value_or(1) : demand.nodes_min);
    return demand;
}

bool can_hold(const Inventory& inventory, const Partitions& partitions, const Demand& demand) {
    return std::any_of(partitions.begin(), partitions.end(), [&](const Partition* partition) {
        return holds(inventory, *partition, demand, Untyped::counts);
    });
}

std::string describe(const std::vector<GpuPool>& pools) {
    if (pools.empty()) return "no GPUs";
    std::string text;
    auto told = told_of(pools.size());
    for (std::size_t i = 0; i < told; ++i)
        text +=
            fmt::format("{}{} x {} on {}", i == 0 ? "" : ", ", pools[i].type.empty() ? "gpu" : pools[i].type,
                        pools[i].per_node, counted(pools[i].nodes, "node"));
    return told == pools.size() ? text : fmt::format("{} and {} other kinds", text, pools.size() - told);
}

std::string describe(const Partitions& partitions) {
    std::string text = partitions.size() == 1 ? "partition " : "partitions ";
    auto told = told_of(partitions.size());
    for (std::size_t i = 0; i < told; ++i) {
        if (i > 0) text += i + 1 == partitions.size() ? " and " : ", ";
        text += partitions[i]->name;
    }
    return told == partitions.size() ? text : fmt::format("{} and {} others", text, partitions.size() - told);
}

std::string_view has(const Partitions& partitions) {
    return partitions.size() == 1 ? "has" : "have";
}

std::string verb(const Partitions& partitions, std::string_view plural) {
    return fmt::format("{}{}", plural, partitions.size() == 1 ? "s" : "");
}

bool may_run(const JobRequest& job) {
    return job.modify && job.partitions.empty();
}

std::string nodes_option(std::uint64_t nodes, const JobRequest& job) {
    return fmt::format("{}={}", job.modify ? "numnodes" : "--nodes", nodes);
}

std::string cpus_option(std::uint64_t cpus, const JobRequest& job) {
    for (const auto* item : gpu_items(job)) {
        if (item->beside.find("cpu") == std::string::npos) continue;
        auto changed = *item;
        changed.beside = fmt::format("cpu={},", cpus);
        return option_for(*item, changed, job);
    }
    return fmt::format("--{}={}", job.cpus_by_tres ? "tres-per-task=cpu" : "cpus-per-task", cpus);
}

std::string option_for(const GresItem& wanted, const GresItem& item, const JobRequest& job) {
    if (wanted.per == Per::node && job.modify) return "gres=" + gres_list(wanted, item, job);
    if (wanted.per == Per::node && item.option == NodeOption::gres)
        return "--gres=" + gres_list(wanted, item, job);
    if (item.option == NodeOption::ntasks_per_gpu && wanted.per == Per::job)
        return fmt::format("--ntasks={}", product(wanted.count, job.tasks_per_gpu.value_or(1)));
    if (job.modify && wanted.per == Per::task) return "trespertask=gres/gpu:" + typed(wanted);
    if (job.modify && wanted.per == Per::job) return "tresperjob=gres/gpu:" + typed(wanted);
    if (wanted.per == Per::job) return "--gpus=" + type_list(wanted, item, job);
    if (wanted.per == Per::task && item.option == NodeOption::tres_per_task)
        return fmt::format("--tres-per-task={}gres/gpu:{}", item.beside, typed(wanted));
    auto option = fmt::format("--gpus-per-{}={}", name_of(wanted.per), type_list(wanted, item, job));
    return wanted.per == Per::node && item.option == NodeOption::untold ? "--gres=none " + option : option;
}

std::string option_for(const Partition& partition, const JobRequest& job) {
    return (job.modify ? "partition=" : "--partition=") + partition.name;
}

bool may_be_proposed(const Partition& partition, const Inventory& inventory) {
    const auto* up = inventory.up ? inventory.up->partition(partition.name) : &partition;
    return partition.open && up && !up->nodes.empty();
}

Partitions partitions_with(const Inventory& inventory, const Partitions& except, const Demand& demand) {
    Partitions found;
    for (const auto& partition : inventory.partitions)
        if (may_be_proposed(partition, inventory) && !is_one_of(partition, except) &&
            holds(inventory, partition, demand, Untyped::does_not))
            found.push_back(&partition);
    return found;
}

void add_ways(std::vector<std::string>& ways, const Partitions& others, const JobRequest& job) {
    for (const auto* other : others) ways.push_back(option_for(*other, job));
}

} // namespace railhead
