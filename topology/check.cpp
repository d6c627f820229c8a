#include "topology/check.hpp"

#include "slurm/hostlist.hpp"
#include "topology/blocks.hpp"
#include "topology/natural.hpp"
#include "topology/switch_names.hpp"
#include "topology/topology_yaml.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace railhead::topology {
namespace {

constexpr std::size_t most_passes = 21, most_block_levels = 16;
constexpr std::size_t many_switches =
    1000; ///< distances between all pairs: seconds at the start of slurmctld

std::string in_line(std::uint32_t line) {
    return fmt::format("line {}", line);
}

class Checker {
  public:
    Checker(const TopologyConf& conf, const CheckOptions& options)
        : conf_(conf), options_(options), out_(conf.findings) {}

    std::vector<Finding> findings() {
        if (conf_.switches.empty() && conf_.blocks.empty()) {
            say(since(2505), "empty", "", "the file", "has neither switches nor blocks");
            return std::move(out_);
        }
        if (!conf_.switches.empty() && !conf_.blocks.empty())
            say(Level::fail, "mixed", in_line(conf_.blocks.front().line), "the file",
                "has switches and blocks", "one kind, as TopologyPlugin says");
        check_switches();
        check_depth();
        check_blocks();
        check_nodes();
        return std::move(out_);
    }

  private:
    // What 22.05, 24.11 and 26.05 do is tried; between them the stricter one is assumed.
    Level since(std::uint32_t release) const { return options_.slurm >= release ? Level::fail : Level::warn; }
    Level before(std::uint32_t release) const { return options_.slurm < release ? Level::fail : Level::warn; }

    void say(Level level, std::string id, std::string where, std::string thing, std::string seen,
             std::string expected = "", std::string next = "") {
        out_.push_back({std::move(id), level, std::move(where), std::move(thing), std::move(seen),
                        std::move(expected), std::move(next)});
    }

    void check_name(const std::string& name, std::uint32_t line) {
        if (name.empty()) say(Level::fail, "name", in_line(line), "a name", "is empty");
        if (name.size() > max_name_bytes)
            say(since(2302), "name", in_line(line), name.substr(0, max_name_bytes) + "...",
                fmt::format("has {} characters", name.size()), fmt::format("at most {}", max_name_bytes));
    }

    void check_switches() {
        std::map<std::string_view, std::uint32_t> line_of, parent_line;
        std::map<std::uint32_t, std::vector<std::pair<std::string, std::uint32_t>>> twice;
        for (const auto& one : conf_.switches) {
            check_name(one.name, one.line);
            auto [at, is_new] = line_of.try_emplace(one.name, one.line);
            if (!is_new)
                say(Level::fail, "name-twice", in_line(one.line), one.name,
                    fmt::format("is defined on line {} as well", at->second));
            if (one.has_nodes && one.has_switches)
                say(Level::fail, "nodes-and-switches", in_line(one.line), one.name, "has Nodes and Switches",
                    "one of them", "move the nodes to a leaf of their own");
            if (!one.has_nodes && !one.has_switches)
                say(before(2605), "no-children", in_line(one.line), one.name,
                    "has neither Nodes nor Switches");
            else if (one.nodes.empty() && one.switches.empty())
                say(Level::fail, "no-children", in_line(one.line), one.name, "names no node and no switch");
        }
        for (const auto& one : conf_.switches)
            for (const auto& child : one.switches) {
                if (!line_of.contains(child))
                    say(Level::fail, "switch-unknown", in_line(one.line), child, "is no switch of this file");
                if (child == one.name) say(Level::fail, "cycle", in_line(one.line), child, "is below itself");
                auto [at, is_new] = parent_line.try_emplace(child, one.line);
                if (!is_new && at->second != one.line) twice[one.line].emplace_back(child, at->second);
            }
        for (const auto& [line, children] : twice) say_two_parents(line, children);
        if (conf_.switches.size() > many_switches)
            say(Level::warn, "many-switches", "", fmt::format("{} switches", conf_.switches.size()),
                "make slurmctld's start slow, for it computes the distances of all pairs", "",
                "leave out what joins one switch only");
        check_twice(conf_.switches, "leaf", ", and Slurm takes the last");
    }

    void say_two_parents(std::uint32_t line,
                         const std::vector<std::pair<std::string, std::uint32_t>>& children) {
        std::vector<std::string> names;
        for (const auto& [name, _] : children) names.push_back(name);
        const bool is_one = names.size() == 1;
        say(Level::warn, "two-parents", in_line(line), compress_hostlist(names, most_named_nodes),
            fmt::format("{} below another switch on line {}{}", is_one ? "is" : "are",
                        children.front().second, is_one ? "" : " or before"),
            "one parent");
    }

    /// slurmctld takes the last leaf and only logs it; blocks it takes as they are.
    template <class Leaf>
    void check_twice(const std::vector<Leaf>& leaves, const char* kind, const char* then) {
        std::map<std::string_view, const Leaf*, Natural> leaf_of;
        std::map<std::pair<const Leaf*, const Leaf*>, std::vector<std::string>> twice;
        for (const auto& one : leaves)
            for (const auto& node : one.nodes) {
                auto [at, is_new] = leaf_of.try_emplace(node, &one);
                if (is_new) continue;
                twice[{at->second, &one}].push_back(node);
                at->second = &one;
            }
        for (const auto& [pair, nodes] : twice)
            say(Level::warn, "two-leaves", in_line(pair.second->line),
                compress_hostlist(nodes, most_named_nodes),
                fmt::format("{} on {} as well{}", nodes.size() == 1 ? "is" : "are", pair.first->name, then),
                fmt::format("one {} for each node", kind));
    }

    void check_depth() {
        std::map<std::string_view, std::size_t> depth;
        for (const auto& one : conf_.switches) depth[one.name] = one.has_switches ? 0 : 1;
        // As slurmctld does it: pass after pass over the lines, in their order.
        for (std::size_t round = 0; round < most_passes; ++round)
            for (const auto& one : conf_.switches) {
                if (depth[one.name] != 0) continue;
                std::size_t deepest = 0;
                bool settled = true;
                for (const auto& child : one.switches) {
                    auto at = depth.find(child);
                    if (at == depth.end()) continue;
                    settled = settled && at->second != 0;
                    deepest = std::max(deepest, at->second);
                }
                if (settled) depth[one.name] = deepest + 1;
            }
        for (const auto& one : conf_.switches) {
            if (depth[one.name] != 0) continue;
            say(Level::fail, "levels", in_line(one.line), one.name,
                fmt::format("is below itself, or so far above a leaf that slurmctld gives up after {} passes "
                            "over the "
                            "file",
                            most_passes),
                "a tree", "have each switch stand behind those below it");
            return; // what stands above it says the same
        }
        std::set<std::string_view> children;
        for (const auto& one : conf_.switches) children.insert(one.switches.begin(), one.switches.end());
        std::vector<std::string> tops;
        for (const auto& one : conf_.switches)
            if (children.insert(one.name).second) tops.push_back(one.name); // once, if its name comes twice
        drop_tops_with_all_of_another(tops);
        if (tops.size() > 1)
            say(Level::warn, "no-common-root", "",
                fmt::format("{} switches ({})", tops.size(), compress_hostlist(tops, most_named_nodes)),
                "are below no other, so no job spans what is below two of them",
                "one root, unless that is meant");
    }

    /// Spines of which each has all leaves: a job spans what is below one of them.
    void drop_tops_with_all_of_another(std::vector<std::string>& tops) const {
        std::map<std::string_view, const TopologyConf::Switch*> called;
        for (const auto& one : conf_.switches) called.try_emplace(one.name, &one);
        std::set<std::set<std::string_view>> seen;
        std::erase_if(tops, [&](const auto& top) {
            const auto& children = called[top]->switches;
            return !children.empty() && !seen.insert({children.begin(), children.end()}).second;
        });
    }

    void check_blocks() {
        if (conf_.blocks.empty()) return;
        if (options_.slurm < first_with_blocks)
            say(Level::fail, "block-unknown", in_line(conf_.blocks.front().line), "BlockName",
                options_.slurm < 2311 ? "is unknown to this Slurm"
                                      : "goes with BlockLevels in this Slurm, which knows no BlockSizes",
                "24.05 or later");
        std::map<std::string_view, std::uint32_t> line_of;
        const TopologyConf::Block* smallest = nullptr;
        for (const auto& one : conf_.blocks) {
            check_name(one.name, one.line);
            auto [at, is_new] = line_of.try_emplace(one.name, one.line);
            if (!is_new)
                say(Level::fail, "name-twice", in_line(one.line), one.name,
                    fmt::format("is defined on line {} as well", at->second));
            if (!smallest || one.nodes.size() < smallest->nodes.size()) smallest = &one;
        }
        check_twice(conf_.blocks, "block", "");
        const auto& sizes = conf_.block_sizes;
        if (sizes.empty()) {
            const auto& first = conf_.blocks.front();
            if (smallest->nodes.size() < first.nodes.size())
                say(before(2605), "block-size", in_line(smallest->line), smallest->name,
                    fmt::format("has {} nodes, and without BlockSizes the first block's {} are the least",
                                smallest->nodes.size(), first.nodes.size()),
                    fmt::format("BlockSizes={}", smallest->nodes.size()));
            return;
        }
        auto where = in_line(conf_.block_sizes_line);
        if (sizes.front() > smallest->nodes.size())
            say(before(2605), "block-size", where, fmt::format("BlockSizes={}", sizes.front()),
                fmt::format("is more than block {} has ({} nodes)", smallest->name, smallest->nodes.size()),
                fmt::format("at most {}", smallest->nodes.size()));
        if (sizes.size() > most_block_levels)
            say(Level::fail, "block-size", where, "BlockSizes", fmt::format("has {} sizes", sizes.size()),
                fmt::format("at most {}", most_block_levels));
        for (auto size : sizes) {
            auto ratio = size / sizes.front();
            if (size % sizes.front() == 0 && (ratio & (ratio - 1)) == 0) continue;
            say(Level::fail, "block-size", where, fmt::format("BlockSizes={}", size),
                "is not the first size times a power of two");
        }
    }

    /// Of the leaf or block that names it.
    std::string line_with(const std::string& node) const {
        auto has = [&](const auto& one) { return std::ranges::find(one.nodes, node) != one.nodes.end(); };
        if (auto at = std::ranges::find_if(conf_.switches, has); at != conf_.switches.end())
            return in_line(at->line);
        auto at = std::ranges::find_if(conf_.blocks, has);
        return at == conf_.blocks.end() ? "" : in_line(at->line);
    }

    void check_nodes() {
        if (!options_.nodes) return;
        std::set<std::string_view> known(options_.nodes->begin(), options_.nodes->end()), placed;
        std::vector<std::string> unknown, missing;
        for (const auto& [node, leaf] : leaves_of(conf_).nodes) {
            auto at = known.find(node);
            if (at == known.end())
                unknown.push_back(node);
            else
                placed.insert(*at);
        }
        for (const auto& node : *options_.nodes)
            if (!placed.contains(node)) missing.push_back(node);
        if (!unknown.empty())
            say(Level::warn, "node-unknown", line_with(unknown.front()),
                compress_hostlist(unknown, most_named_nodes),
                fmt::format("{} no node of Slurm's", unknown.size() == 1 ? "is" : "are"), "",
                "take the name out, or define the node in slurm.conf");
        if (missing.empty()) return;
        const auto nodes = compress_hostlist(missing, most_named_nodes);
        const auto are = missing.size() == 1 ? "is" : "are";
        if (conf_.blocks.empty())
            say(Level::warn, "node-missing", "", nodes,
                fmt::format("{} in no leaf, so no job of several nodes starts there", are), "",
                "add a leaf for what is not in the fabric");
        else
            say(Level::warn, "node-missing", "", nodes,
                fmt::format(
                    "{} in no block, so jobs start there, but none that takes nodes of a block as well",
                    are));
    }

    const TopologyConf& conf_;
    const CheckOptions& options_;
    std::vector<Finding> out_;
};

} // namespace

std::vector<Finding> check(const TopologyConf& conf, const CheckOptions& options) {
    return Checker(conf, options).findings();
}

namespace {

/// slurmctld takes both (26.05, tried): of several defaults the first, and of one name the default or else
/// the first for partitions that name it.
void check_names(const std::vector<NamedTopology>& all, std::vector<Finding>& findings) {
    std::map<std::string_view, std::uint32_t> line_of;
    const NamedTopology* first_default = nullptr;
    for (const auto& each : all) {
        const auto [at, is_new] = line_of.try_emplace(each.name, each.line);
        if (!is_new)
            findings.push_back(
                {.id = "name-twice",
                 .level = Level::warn,
                 .where = in_line(each.line),
                 .thing = "topology " + each.name,
                 .seen = fmt::format("is defined on line {} as well, and a partition gets one of the two",
                                     at->second),
                 .expected = "a name of its own"});
        if (each.is_default && first_default)
            findings.push_back(
                {.id = "two-defaults",
                 .level = Level::warn,
                 .where = in_line(each.line),
                 .thing = "topology " + each.name,
                 .seen = fmt::format("has cluster_default, as {} on line {} has, which Slurm takes",
                                     first_default->name, first_default->line),
                 .expected = "one cluster_default"});
        else if (each.is_default)
            first_default = &each;
    }
}

} // namespace

Result<std::vector<Finding>> check_text(std::string_view text, CheckOptions wanted) {
    if (!is_topology_yaml(text)) {
        auto conf = read_topology_conf(text);
        if (!conf) return tl::unexpected(conf.error());
        return check(*conf, wanted);
    }
    auto all = read_topology_yaml(text);
    if (!all) return tl::unexpected(all.error());
    std::vector<Finding> findings;
    if (wanted.slurm < first_with_yaml)
        findings.push_back({.id = "yaml-unknown",
                            .level = Level::fail,
                            .thing = "topology.yaml",
                            .seen = "is not read by this Slurm",
                            .expected = "25.05 or later"});
    check_names(*all, findings);
    const auto* main = &all->front(); // the one that holds where partitions name none
    for (const auto& each : *all)
        if (each.is_default && !main->is_default) main = &each;
    for (const auto& each : *all) {
        if (!each.unread.empty())
            findings.push_back(
                {.id = "kind-unread",
                 .level = Level::info,
                 .where = in_line(each.line),
                 .thing = "topology " + each.name,
                 .seen = fmt::format("is a {}, which is neither checked nor compared here", each.unread),
                 .next = "let Slurm read it: railhead topology install --dry-run"});
        if (each.conf.switches.empty() && each.conf.blocks.empty()) { // flat, or unread
            findings.insert(findings.end(), each.conf.findings.begin(), each.conf.findings.end());
            continue;
        }
        auto own = wanted;
        if (&each != main) own.nodes.reset();
        for (auto& finding : check(each.conf, own)) findings.push_back(std::move(finding));
    }
    return findings;
}

std::vector<Finding> check_weights(const Inventory& inventory) {
    std::vector<Finding> findings;
    for (const auto& partition : inventory.partitions) {
        std::map<std::uint32_t, std::vector<std::string>> by_weight;
        for (auto index : partition.nodes)
            if (const auto& node = inventory.nodes[index]; node.weight)
                by_weight[*node.weight].push_back(node.name);
        if (by_weight.size() < 2) continue;
        std::string weights;
        for (auto& [weight, nodes] : by_weight)
            weights += fmt::format("{}{} of {}", weights.empty() ? "" : ", ", weight,
                                   compress_hostlist(nodes, most_named_nodes));
        findings.push_back(
            {.id = "weights",
             .level = Level::warn,
             .thing = "partition " + partition.name,
             .seen = fmt::format("has nodes of several Weights ({}), and Slurm takes the lowest first, "
                                 "on whatever leaf they are",
                                 weights),
             .expected = "one Weight in a partition"});
    }
    return findings;
}

} // namespace railhead::topology
