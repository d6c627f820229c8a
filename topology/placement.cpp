#include "topology/placement.hpp"

#include "topology/natural.hpp"
#include "topology/sets.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace railhead::topology {
namespace {

constexpr std::size_t most_levels = 64; ///< a file may have a cycle

std::map<std::string_view, std::string_view> parents_in(const TopologyConf& conf) {
    std::map<std::string_view, std::string_view> parent;
    for (const auto& one : conf.switches)
        for (const auto& child : one.switches) parent[child] = one.name;
    return parent;
}

std::unordered_map<std::string_view, std::uint32_t> group_numbers(const Placed& placed) {
    std::unordered_map<std::string_view, std::uint32_t> found;
    for (std::uint32_t group = 0; group < placed.groups.size(); ++group)
        for (const auto& node : placed.groups[group].nodes) found[node] = group;
    return found;
}

/// How many of the largest it takes to hold `nodes`.
std::size_t fewest(std::vector<std::size_t> sizes, std::size_t nodes) {
    std::sort(sizes.rbegin(), sizes.rend());
    std::size_t count = 0;
    for (auto left = nodes; count < sizes.size() && left > 0; ++count) left -= std::min(left, sizes[count]);
    return count;
}

void count_least(Score& found, const Placed& placed, std::size_t nodes) {
    std::map<std::string_view, std::size_t> pod_sizes;
    std::vector<std::size_t> group_sizes, sizes;
    for (const auto& group : placed.groups) {
        group_sizes.push_back(group.nodes.size());
        pod_sizes[group.pod] += group.nodes.size();
    }
    for (const auto& [pod, size] : pod_sizes) sizes.push_back(size);
    found.least_groups = fewest(std::move(group_sizes), nodes);
    found.least_pods = fewest(std::move(sizes), nodes);
}

} // namespace

Placed placed_in(const TopologyConf& conf) {
    auto leaves = leaves_of(conf);
    auto parent = parents_in(conf);
    Placed in_lines, placed;
    std::map<std::vector<std::size_t>, std::vector<std::uint32_t>> by_path;
    std::map<std::string_view, std::size_t> rank; // of what is above leaves, by the first of them
    for (std::uint32_t leaf = 0; leaf < leaves.leaves.size(); ++leaf) {
        const auto& name = leaves.leaves[leaf];
        auto above = parent.find(name);
        in_lines.groups.push_back({name, std::string(above == parent.end() ? name : above->second), {}});
        std::vector<std::size_t> path;
        for (; above != parent.end() && path.size() < most_levels; above = parent.find(above->second))
            path.push_back(rank.try_emplace(above->second, leaf).first->second);
        std::reverse(path.begin(), path.end());
        by_path[std::move(path)].push_back(leaf);
    }
    for (const auto& [node, leaf] : leaves.nodes) in_lines.groups[leaf].nodes.push_back(node);
    for (const auto& [path, below] : by_path)
        for (auto leaf : below) placed.groups.push_back(std::move(in_lines.groups[leaf]));
    return placed;
}

Score score(const Placed& placed, const std::vector<std::string>& nodes) {
    auto group_of = group_numbers(placed);
    Score found;
    std::map<std::uint32_t, std::size_t> touched;
    std::vector<std::uint32_t> ring;
    std::unordered_set<std::string_view> met; // a node may come several times, for several ranks
    std::size_t known = 0;
    for (const auto& node : nodes) {
        auto at = group_of.find(node);
        const bool is_new = met.insert(node).second;
        if (at != group_of.end()) ring.push_back(at->second);
        if (!is_new) continue;
        if (at == group_of.end()) {
            found.unknown.push_back(node);
            continue;
        }
        ++touched[at->second];
        ++known;
    }
    found.nodes = met.size();
    count_least(found, placed, known);
    std::set<std::string_view> pods;
    std::size_t same_group_pairs = 0;
    for (const auto& [group, count] : touched) {
        pods.insert(placed.groups[group].pod);
        same_group_pairs += count * (count - 1) / 2;
        found.spread.emplace_back(placed.groups[group].name, count);
    }
    found.groups = touched.size();
    found.pods = pods.size();
    for (std::size_t i = 0; i < ring.size(); ++i)
        if (ring[i] != ring[(i + 1) % ring.size()]) ++found.ring_edges;
    found.least_ring_edges = found.groups > 1 ? found.groups : 0;
    auto pairs = known < 2 ? 0 : known * (known - 1) / 2;
    found.all_to_all =
        pairs == 0 ? 0 : 1 - static_cast<double>(same_group_pairs) / static_cast<double>(pairs);
    return found;
}

std::vector<std::string> rank_order(const Placed& placed, const std::vector<std::string>& nodes) {
    auto group_of = group_numbers(placed);
    auto ordered = nodes;
    auto place = [&](const std::string& node) {
        auto at = group_of.find(node);
        return at == group_of.end() ? none : at->second;
    };
    std::stable_sort(ordered.begin(), ordered.end(), [&](const std::string& left, const std::string& right) {
        auto one = place(left), other = place(right);
        return one != other ? one < other : Natural()(left, right);
    });
    return ordered;
}

} // namespace railhead::topology
