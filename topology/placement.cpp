#include "topology/placement.hpp"

#include "topology/natural.hpp"
#include "topology/sets.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace railhead::topology {
namespace {

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

} // namespace

Score score(const Placed& placed, const std::vector<std::string>& nodes) {
    auto group_of = group_numbers(placed);
    Score found{.nodes = nodes.size()};
    std::map<std::uint32_t, std::size_t> touched;
    std::vector<std::uint32_t> ring;
    for (const auto& node : nodes) {
        auto at = group_of.find(node);
        if (at == group_of.end()) {
            found.unknown.push_back(node);
            continue;
        }
        ++touched[at->second];
        ring.push_back(at->second);
    }
    std::map<std::string_view, std::size_t> pod_sizes;
    std::vector<std::size_t> group_sizes, sizes;
    for (const auto& group : placed.groups) {
        group_sizes.push_back(group.nodes.size());
        pod_sizes[group.pod] += group.nodes.size();
    }
    for (const auto& [pod, size] : pod_sizes) sizes.push_back(size);
    std::set<std::string_view> pods;
    std::size_t same_group_pairs = 0;
    for (const auto& [group, count] : touched) {
        pods.insert(placed.groups[group].pod);
        same_group_pairs += count * (count - 1) / 2;
        found.spread.emplace_back(placed.groups[group].name, count);
    }
    found.groups = touched.size();
    found.least_groups = fewest(std::move(group_sizes), ring.size());
    found.pods = pods.size();
    found.least_pods = fewest(std::move(sizes), ring.size());
    for (std::size_t i = 0; i < ring.size(); ++i)
        if (ring[i] != ring[(i + 1) % ring.size()]) ++found.ring_edges;
    found.least_ring_edges = found.groups > 1 ? found.groups : 0;
    auto pairs = ring.size() < 2 ? 0 : ring.size() * (ring.size() - 1) / 2;
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
