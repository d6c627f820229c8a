#include "slurm/inventory.hpp"

#include "base/number.hpp"
#include "slurm/fields.hpp"
#include "slurm/hostlist.hpp"

#include <algorithm>

namespace railhead {

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
    for (const auto& name : job.partitions) {
        found.push_back(partition(name));
        if (!found.back()) return {};
    }
    if (!found.empty()) return found;
    if (!job.reservation.empty()) {
        const auto* its_reservation = reservation(job.reservation);
        if (!its_reservation) return {};
        if (!its_reservation->partition.empty()) {
            const auto* its = partition(its_reservation->partition);
            return its ? std::vector{its} : std::vector<const Partition*>{};
        }
    }
    for (const auto& each : partitions)
        if (each.is_default) return {&each};
    return {};
}

std::vector<const Partition*> Inventory::every_partition() const {
    std::vector<const Partition*> found;
    for (const auto& each : partitions) found.push_back(&each);
    return found;
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
    for (auto index : partition.nodes) ++partition.class_sizes[inventory_.nodes[index].node_class];
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
        std::map<std::pair<std::optional<std::uint32_t>, std::uint32_t>, std::uint32_t> shares;
        for (auto index : partition.nodes) {
            const auto& node = inventory_.nodes[index];
            ++shares[{node.leaf, node.node_class}];
        }
        partition.leaf_shares.clear();
        for (const auto& [place, nodes] : shares)
            partition.leaf_shares.push_back({place.first, place.second, nodes});
    }
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
