#include "preflight/connects.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace railhead {
namespace {

constexpr std::size_t most_pairs_named = 10;

/// Of each node how many of its connections there were to be, and how many did not come about.
struct Share {
    std::size_t all = 0, unmet = 0;
    bool is_all() const { return unmet > 1 && unmet == all; }
};

Finding of_node(const std::string& node, bool is_target, const Share& share, const Unmet& one) {
    return {.id = is_target ? "node-unreached" : "node-cut-off",
            .level = Level::fail,
            .where = node,
            .thing = is_target ? one.address : "the network",
            .seen = is_target ? fmt::format("is reached by none of {} nodes ({})", share.all, one.why)
                              : fmt::format("lets it reach none of {} nodes ({} at {}: {})", share.all,
                                            one.to, one.address, one.why),
            .next = "look at its interface, cable and firewall, or leave the node out (--exclude)"};
}

} // namespace

std::vector<std::pair<std::size_t, std::size_t>> connects_of(const std::vector<std::string>& leaves) {
    std::set<std::pair<std::size_t, std::size_t>> pairs;
    const auto nodes = leaves.size();
    const bool all = nodes <= all_pairs;
    for (std::size_t from = 0; from < nodes; ++from)
        for (std::size_t step = 1; step < nodes; step = all ? step + 1 : step * 2)
            pairs.emplace(from, (from + step) % nodes);
    if (all) return {pairs.begin(), pairs.end()};
    std::map<std::string, std::vector<std::size_t>> groups;
    for (std::size_t node = 0; node < nodes; ++node)
        if (!leaves[node].empty()) groups[leaves[node]].push_back(node);
    std::size_t count = 0, one_place = 0;
    for (const auto& one : groups) {
        std::size_t other_place = 0;
        for (const auto& other : groups) {
            const auto from = other_place++; // so that each node of a group has its turn
            if (one.first == other.first || count++ >= most_leaf_pairs) continue;
            pairs.emplace(one.second[from % one.second.size()],
                          other.second[one_place % other.second.size()]);
        }
        ++one_place;
    }
    return {pairs.begin(), pairs.end()};
}

std::vector<Finding> connect_verdicts(const std::vector<std::pair<std::string, std::string>>& tried,
                                      const std::vector<Unmet>& unmet) {
    std::map<std::string, Share> as_target, as_source;
    for (const auto& [from, to] : tried) {
        ++as_source[from].all;
        ++as_target[to].all;
    }
    for (const auto& each : unmet) {
        ++as_source[each.from].unmet;
        ++as_target[each.to].unmet;
    }
    std::vector<Finding> findings;
    std::set<std::string> named;
    std::size_t pairs = 0;
    for (const auto& each : unmet) {
        const auto &to = as_target[each.to], &from = as_source[each.from];
        if (to.is_all() || from.is_all()) {
            const bool is_target = to.is_all() && (!from.is_all() || to.all >= from.all);
            const auto& node = is_target ? each.to : each.from;
            if (named.insert(node).second)
                findings.push_back(of_node(node, is_target, is_target ? to : from, each));
        } else if (pairs++ < most_pairs_named) {
            findings.push_back({.id = "nodes-apart",
                                .level = Level::fail,
                                .where = each.from,
                                .thing = fmt::format("{} at {}", each.to, each.address),
                                .seen = fmt::format("cannot be reached: {}", each.why),
                                .next = "look at routes and firewalls between both"});
        }
    }
    if (pairs > most_pairs_named)
        findings.push_back({.id = "nodes-apart",
                            .level = Level::fail,
                            .thing = fmt::format("{} more connections", pairs - most_pairs_named),
                            .seen = "did not come about"});
    return findings;
}

} // namespace railhead
