#include "slurm/inventory.hpp"

#include "slurm/hostlist.hpp"

#include <algorithm>
#include <charconv>

namespace railhead {
namespace {

/// The value of "KEY=..." in a line of key=value fields; empty when there is none.
std::string_view field_of(std::string_view line, std::string_view key) {
    for (std::size_t begin = 0; begin < line.size();) {
        auto end = std::min(line.find_first_of(" \t", begin), line.size());
        auto field = line.substr(begin, end - begin);
        if (field.size() > key.size() && field.starts_with(key) && field[key.size()] == '=')
            return field.substr(key.size() + 1);
        begin = end + 1;
    }
    return {};
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

std::vector<const Partition*> Inventory::partitions_of(const JobRequest& job) const {
    std::vector<const Partition*> found;
    for (const auto& name : job.partitions) {
        found.push_back(partition(name));
        if (!found.back()) return {};
    }
    if (!found.empty()) return found;
    if (!job.reservation.empty()) {
        auto reservation =
            std::find_if(reservations.begin(), reservations.end(),
                         [&](const Reservation& each) { return each.name == job.reservation; });
        if (reservation == reservations.end()) return {};
        if (!reservation->partition.empty()) {
            const auto* its = partition(reservation->partition);
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
    for (const auto& name : nodes) {
        auto found = inventory_.by_name.find(name);
        if (found == inventory_.by_name.end()) continue;
        partition.nodes.push_back(found->second);
        ++partition.class_sizes[inventory_.nodes[found->second].node_class];
    }
    std::sort(partition.nodes.begin(), partition.nodes.end());
    inventory_.partitions.push_back(std::move(partition));
}

void InventoryBuilder::add_leaf(const std::string& name, const std::vector<std::string>& nodes) {
    auto index = static_cast<std::uint32_t>(inventory_.leaves.size());
    inventory_.leaves.push_back(name);
    for (const auto& node : nodes)
        if (auto found = inventory_.by_name.find(node); found != inventory_.by_name.end())
            inventory_.nodes[found->second].leaf = index;
}

std::vector<Leaf> leaves_from_topology(std::string_view text) {
    std::vector<Leaf> leaves;
    for (std::size_t begin = 0; begin < text.size();) {
        auto end = std::min(text.find('\n', begin), text.size());
        auto line = text.substr(begin, end - begin);
        begin = end + 1;
        auto name = field_of(line, "SwitchName");
        if (name.empty() || field_of(line, "Level") != "0") continue;
        auto nodes = expand_hostlist(field_of(line, "Nodes"));
        if (nodes && !nodes->empty()) leaves.push_back({std::string(name), std::move(*nodes)});
    }
    return leaves;
}

std::uint32_t max_switch_wait_from(std::string_view scheduler_parameters) {
    constexpr std::string_view key = "max_switch_wait=";
    constexpr std::uint32_t default_seconds = 300;
    auto at = scheduler_parameters.find(key);
    if (at == std::string_view::npos) return default_seconds;
    auto text = scheduler_parameters.substr(at + key.size());
    std::uint32_t value = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    (void)end;
    return problem == std::errc{} ? value : default_seconds;
}

} // namespace railhead
