#include "slurm/inventory.hpp"

#include "base/number.hpp"
#include "slurm/fields.hpp"
#include "slurm/hostlist.hpp"

#include <algorithm>

namespace railhead {
namespace {

/// Fills in what is counted of the partitions' nodes.
void count_nodes(Inventory& inventory) {
    for (auto& partition : inventory.partitions) {
        std::map<std::pair<std::optional<std::uint32_t>, std::uint32_t>, std::uint32_t> shares;
        partition.class_sizes.clear();
        for (auto index : partition.nodes) {
            const auto& node = inventory.nodes[index];
            ++partition.class_sizes[node.node_class];
            ++shares[{node.leaf, node.node_class}];
        }
        partition.leaf_shares.clear();
        for (const auto& [place, nodes] : shares)
            partition.leaf_shares.push_back({place.first, place.second, nodes});
    }
}

/// From what each QOS lifts for itself.
void add_up_qos(Inventory& inventory) {
    for (const auto& [name, lifts] : inventory.qos) inventory.qos_lifts |= lifts;
    if (!inventory.qos_lifts.any()) inventory.qos.clear();
}

/// What the QOS of partitions themselves lift for their jobs.
QosLifts lifts_of_partitions(const Inventory& inventory, const std::vector<const Partition*>& partitions) {
    QosLifts lifts;
    for (const auto* partition : partitions)
        if (auto its = inventory.qos.find(partition->qos); its != inventory.qos.end()) lifts |= its->second;
    return lifts;
}

/// What the default QOS of a user lift together; absent: one is not known, as where Slurm looks on for one
/// (assoc_mgr_get_default_qos_info() of src/common/assoc_mgr.c).
std::optional<QosLifts> lifts_together(const Inventory& inventory, const std::set<std::string>& names) {
    QosLifts lifts;
    for (const auto& name : names) {
        auto its = inventory.qos.find(name);
        if (its == inventory.qos.end()) return std::nullopt;
        lifts |= its->second;
    }
    return lifts;
}

/// The names of a job's partitions, as Slurm looks for them: get_job_parts() of src/slurmctld/job_mgr.c.
std::vector<std::string> names_for(const JobRequest& job, const Inventory& inventory) {
    if (!job.partitions.empty()) return job.partitions;
    if (!job.reservation.empty()) {
        const auto* its = inventory.reservation(job.reservation);
        if (!its) return {};
        if (!its->partition.empty()) return {its->partition};
    }
    for (const auto& each : inventory.partitions)
        if (each.is_default) return {each.name};
    return {};
}

/// Itself, or the alternate of one that takes no jobs, and so on; itself, too, where none of them does.
const Partition* that_takes_jobs(const Inventory& inventory, const Partition* partition) {
    const auto* found = partition;
    for (std::size_t steps = 0; found && steps < inventory.partitions.size(); ++steps) {
        if (found->takes_jobs || found->alternate.empty()) break;
        found = inventory.partition(found->alternate);
    }
    return found && found->takes_jobs ? found : partition;
}

} // namespace

std::optional<std::uint32_t> Inventory::index_of(std::string_view node) const {
    auto found = by_name.find(node);
    if (found == by_name.end()) return std::nullopt;
    return found->second;
}

const Partition* Inventory::partition(std::string_view name) const {
    auto found = std::find_if(partitions.begin(), partitions.end(),
                              [&](const Partition& each) { return each.name == name; });
    return found == partitions.end() ? nullptr : &*found;
}

const Reservation* Inventory::reservation(std::string_view name) const {
    auto found = std::find_if(reservations.begin(), reservations.end(),
                              [&](const Reservation& each) { return each.name == name; });
    return found == reservations.end() ? nullptr : &*found;
}

std::vector<const Partition*> Inventory::partitions_of(const JobRequest& job) const {
    std::vector<const Partition*> found;
    for (const auto& name : names_for(job, *this)) {
        found.push_back(that_takes_jobs(*this, partition(name)));
        if (!found.back()) return {};
    }
    return found;
}

std::vector<const Partition*> Inventory::every_partition() const {
    std::vector<const Partition*> found;
    for (const auto& each : partitions) found.push_back(&each);
    return found;
}

std::optional<QosLifts> Inventory::lifts_of(const JobRequest& job) const {
    auto lifts = lifts_of_partitions(*this, partitions_of(job));
    if (job.qos.empty()) {
        auto its = default_qos.find(job.uid);
        if (its == default_qos.end()) return std::nullopt;
        lifts |= its->second;
    }
    for (const auto& name : names_in(job.qos)) {
        auto its = qos.find(name);
        if (its == qos.end()) return std::nullopt;
        lifts |= its->second;
    }
    return lifts;
}

void JobLimits::fill_from(const JobLimits& general) {
    auto fill = [](auto& own, const auto& other) {
        if (!own) own = other;
    };
    fill(most_memory, general.most_memory);
    fill(default_memory, general.default_memory);
    fill(default_cpus_per_gpu, general.default_cpus_per_gpu);
    fill(default_memory_per_gpu_mib, general.default_memory_per_gpu_mib);
}

void add_job_defaults(JobLimits& limits, std::string_view defaults) {
    for (const auto& each : names_in(defaults)) {
        if (auto value = field_of(each, "DefCpuPerGPU"); !value.empty())
            limits.default_cpus_per_gpu = leading_number<std::uint64_t>(value);
        if (auto value = field_of(each, "DefMemPerGPU"); !value.empty())
            limits.default_memory_per_gpu_mib = leading_number<std::uint64_t>(value);
    }
}

void InventoryBuilder::add_node(std::string name, NodeClass node_class) {
    auto& classes = inventory_.classes;
    auto same = std::find(classes.begin(), classes.end(), node_class);
    auto index = static_cast<std::uint32_t>(same - classes.begin());
    if (same == classes.end()) classes.push_back(std::move(node_class));
    inventory_.by_name[name] = static_cast<std::uint32_t>(inventory_.nodes.size());
    inventory_.nodes.push_back({std::move(name), index, std::nullopt});
}

void InventoryBuilder::add_partition(Partition partition, const std::vector<std::string>& nodes) {
    partition.nodes = indices_of(nodes);
    inventory_.partitions.push_back(std::move(partition));
}

std::vector<std::uint32_t> InventoryBuilder::indices_of(const std::vector<std::string>& names) const {
    std::vector<std::uint32_t> indices;
    for (const auto& name : names)
        if (auto index = inventory_.index_of(name)) indices.push_back(*index);
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    return indices;
}

void InventoryBuilder::add_leaf(const std::string& name, const std::vector<std::string>& nodes) {
    auto index = static_cast<std::uint32_t>(inventory_.leaves.size());
    inventory_.leaves.push_back(name);
    for (const auto& node : nodes)
        if (auto found = inventory_.by_name.find(node); found != inventory_.by_name.end())
            inventory_.nodes[found->second].leaf = index;
}

void InventoryBuilder::add_topology(std::string_view text) {
    auto topology = read_topology(text);
    for (const auto& leaf : topology.leaves) add_leaf(leaf.name, leaf.nodes);
    inventory_.block_size = topology.block_size;
}

Inventory InventoryBuilder::take() {
    for (auto& partition : inventory_.partitions) {
        partition.limits.fill_from(limits_);
        if (partition.limits.most_memory && partition.limits.most_memory->cpu)
            inventory_.counts_cores = false;
        if (inventory_.counts_memory) continue;
        partition.limits.most_memory.reset();
        partition.limits.default_memory.reset();
        partition.limits.default_memory_per_gpu_mib.reset();
    }
    count_nodes(inventory_);
    add_up_qos(inventory_);
    for (const auto& [uid, names] : default_qos_)
        if (auto lifts = lifts_together(inventory_, names)) inventory_.default_qos.emplace(uid, *lifts);
    auto is_down = [this](std::uint32_t index) { return inventory_.nodes[index].down; };
    if (std::none_of(inventory_.nodes.begin(), inventory_.nodes.end(), [](auto& node) { return node.down; }))
        return std::move(inventory_);
    auto up = std::make_shared<Inventory>(inventory_);
    for (auto& partition : up->partitions) std::erase_if(partition.nodes, is_down);
    count_nodes(*up);
    inventory_.up = std::move(up);
    return std::move(inventory_);
}

Topology read_topology(std::string_view text) {
    Topology topology;
    for (std::size_t begin = 0; begin < text.size();) {
        auto end = std::min(text.find('\n', begin), text.size());
        auto line = text.substr(begin, end - begin);
        begin = end + 1;
        auto block = field_of(line, "BlockName"), leaf = field_of(line, "SwitchName");
        if (block.empty() && (leaf.empty() || field_of(line, "Level") != "0")) continue;
        auto nodes = expand_hostlist(field_of(line, "Nodes"));
        if (!nodes || nodes->empty()) continue;
        topology.leaves.push_back({std::string(block.empty() ? leaf : block), std::move(*nodes)});
        if (!block.empty())
            topology.block_size = leading_number<std::uint32_t>(field_of(line, "BlockSize")).value_or(0);
    }
    return topology;
}

std::uint32_t max_switch_wait_from(std::string_view scheduler_parameters) {
    constexpr std::string_view key = "max_switch_wait=";
    constexpr std::uint32_t default_seconds = 300;
    auto at = scheduler_parameters.find(key);
    if (at == std::string_view::npos) return default_seconds;
    return leading_number<std::uint32_t>(scheduler_parameters.substr(at + key.size()))
        .value_or(default_seconds);
}

} // namespace railhead
