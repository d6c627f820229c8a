#include "topology/diff.hpp"

#include "topology/characters.hpp"

#include "slurm/hostlist.hpp"
#include "topology/natural.hpp"
#include "topology/sets.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace railhead::topology {
namespace {

/// For each leaf of `now` the leaf of `before` that it continues.
std::map<std::string, std::string, Natural>
continued(const LeafOf& before, const LeafOf& now,
          const std::map<std::string, std::string, Natural>& leaf_before) {
    std::map<std::string_view, std::size_t> size_before, size_now;
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> common;
    for (const auto& [node, leaf] : before.nodes) ++size_before[before.leaves[leaf]];
    for (const auto& [node, leaf] : now.nodes) {
        ++size_now[now.leaves[leaf]];
        if (auto at = leaf_before.find(node); at != leaf_before.end())
            ++common[{at->second, now.leaves[leaf]}];
    }
    std::map<std::string, std::string, Natural> found;
    for (const auto& [pair, nodes] : common)
        if (mostly_coincide(size_before[pair.first], size_now[pair.second], nodes))
            found[std::string(pair.second)] = pair.first;
    // A leaf that keeps its name continues itself, unless its nodes say otherwise.
    for (const auto& leaf : now.leaves)
        if (size_before.contains(leaf)) found.try_emplace(leaf, leaf);
    return found;
}

/// What each leaf is below, as one text: "su1 < pod1 < root".
std::map<std::string, std::string, Natural> uppers(const TopologyConf& conf) {
    std::map<std::string_view, std::string_view> parent;
    for (const auto& one : conf.switches)
        for (const auto& child : one.switches) parent[child] = one.name;
    std::map<std::string, std::string, Natural> found;
    for (const auto& one : conf.switches) {
        if (one.nodes.empty()) continue;
        std::string path;
        std::string_view at = one.name;
        for (std::size_t i = 0; i < conf.switches.size() && parent.contains(at); ++i) {
            at = parent[at];
            path += (path.empty() ? "" : ", ") + std::string(at);
        }
        found[one.name] = path;
    }
    return found;
}

} // namespace

std::vector<Change> diff(const TopologyConf& before, const TopologyConf& now) {
    auto old_leaves = leaves_of(before), new_leaves = leaves_of(now);
    std::map<std::string, std::string, Natural> leaf_before, leaf_now;
    for (const auto& [node, leaf] : old_leaves.nodes) leaf_before[node] = old_leaves.leaves[leaf];
    for (const auto& [node, leaf] : new_leaves.nodes) leaf_now[node] = new_leaves.leaves[leaf];
    auto same = continued(old_leaves, new_leaves, leaf_before);

    using Key = std::tuple<Change::Kind, std::string, std::string>;
    std::map<Key, std::vector<std::string>> changes;
    for (const auto& [node, leaf] : leaf_now) {
        auto at = leaf_before.find(node);
        if (at == leaf_before.end()) {
            changes[{Change::Kind::added, "", leaf}].push_back(node);
            continue;
        }
        auto continues = same.find(leaf);
        if (continues == same.end() || continues->second != at->second)
            changes[{Change::Kind::moved, at->second, leaf}].push_back(node);
    }
    for (const auto& [node, leaf] : leaf_before)
        if (!leaf_now.contains(node)) changes[{Change::Kind::removed, leaf, ""}].push_back(node);
    std::vector<Change> found;
    for (auto& [key, nodes] : changes)
        found.push_back({std::get<0>(key), std::move(nodes), std::get<1>(key), std::get<2>(key)});
    auto upper_before = uppers(before), upper_now = uppers(now);
    for (const auto& leaf : new_leaves.leaves) {
        auto continues = same.find(leaf);
        if (continues == same.end()) continue;
        if (continues->second != leaf) found.push_back({Change::Kind::renamed, {}, continues->second, leaf});
        if (upper_before[continues->second] != upper_now[leaf])
            found.push_back({Change::Kind::upper, {leaf}, upper_before[continues->second], upper_now[leaf]});
    }
    auto sizes = [](const TopologyConf& conf) { return fmt::format("{}", fmt::join(conf.block_sizes, ",")); };
    if (before.block_sizes != now.block_sizes)
        found.push_back({Change::Kind::block_sizes, {}, sizes(before), sizes(now)});
    return found;
}

namespace {

std::string unescaped(const Change& change) {
    auto nodes = compress_hostlist(change.nodes);
    const char* plural = change.nodes.size() == 1 ? "s" : "";
    auto place = [](const std::string& text) { return text.empty() ? std::string("nothing") : text; };
    switch (change.kind) {
    case Change::Kind::moved:
        return fmt::format("{} move{} from {} to {}", nodes, plural, change.from, change.to);
    case Change::Kind::added:
        return fmt::format("{} {} new in {}", nodes, change.nodes.size() == 1 ? "is" : "are", change.to);
    case Change::Kind::removed:
        return fmt::format("{} {} gone from {}", nodes, change.nodes.size() == 1 ? "is" : "are", change.from);
    case Change::Kind::renamed:
        return fmt::format("{} is called {}", change.from, change.to);
    case Change::Kind::block_sizes:
        return fmt::format("BlockSizes is {} (was: {})", place(change.to), place(change.from));
    case Change::Kind::upper:
        return fmt::format("{} is below {} (was: {})", nodes, place(change.to), place(change.from));
    }
    return {};
}

} // namespace

std::string sentence(const Change& change) {
    return printable(unescaped(change));
}

} // namespace railhead::topology
