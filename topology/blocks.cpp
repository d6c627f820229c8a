#include "topology/blocks.hpp"

#include "slurm/hostlist.hpp"
#include "topology/switch_names.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace railhead::topology {
namespace {

constexpr std::size_t most_sizes = 16; ///< MAX_BLOCK_LEVELS, src/plugins/topology/block

class BlockMaker {
  public:
    BlockMaker(const Hosts& hosts, const RailMap& map, const BlockOptions& options) : options_(options) {
        for (const auto& group : map.groups) {
            BlockLine line{.name = group.name, .nodes = {}};
            for (auto host : group.hosts) line.nodes.emplace_back(hosts.hosts[host].name);
            out_.lines.push_back(std::move(line));
        }
    }

    Blocks blocks() {
        put_in_order();
        if (options_.base > 0) drop_small();
        choose_sizes();
        tell_missing();
        return std::move(out_);
    }

  private:
    /// By the place of each block's first node in the order that is wanted.
    void put_in_order() {
        std::unordered_map<std::string_view, std::size_t> place;
        for (std::size_t i = 0; i < options_.order.size(); ++i) place.try_emplace(options_.order[i], i);
        auto first = [&](const BlockLine& line) {
            auto least = place.size();
            for (const auto& node : line.nodes)
                if (auto at = place.find(node); at != place.end()) least = std::min(least, at->second);
            return least;
        };
        std::stable_sort(out_.lines.begin(), out_.lines.end(),
                         [&](const auto& left, const auto& right) { return first(left) < first(right); });
    }

    void drop_small() {
        for (const auto& line : out_.lines)
            if (line.nodes.size() < options_.base)
                out_.findings.push_back(
                    {.id = "block-small",
                     .level = Level::warn,
                     .thing = fmt::format("block {} ({})", line.name,
                                          compress_hostlist(line.nodes, most_named_nodes)),
                     .seen = fmt::format("has {} node{}, and is left out", line.nodes.size(),
                                         line.nodes.size() == 1 ? "" : "s"),
                     .expected = fmt::format("at least {}", options_.base)});
        std::erase_if(out_.lines, [&](const auto& line) { return line.nodes.size() < options_.base; });
    }

    void choose_sizes() {
        if (out_.lines.empty()) return;
        std::vector<std::size_t> counts;
        for (const auto& line : out_.lines) counts.push_back(line.nodes.size());
        std::sort(counts.begin(), counts.end());
        auto base = options_.base > 0 ? options_.base : static_cast<std::uint32_t>(counts.front());
        for (std::size_t blocks = 1; out_.sizes.size() < most_sizes; blocks *= 2) {
            out_.sizes.push_back(base * static_cast<std::uint32_t>(blocks));
            if (blocks >= out_.lines.size()) break;
        }
        auto usual = counts[counts.size() / 2];
        if (options_.base > 0 || counts.front() * 2 > usual) return;
        out_.findings.push_back(
            {.id = "block-size",
             .level = Level::warn,
             .thing = "the smallest block",
             .seen = fmt::format("has {} node{} where at least half of the blocks have {} or more, and no "
                                 "base block may be larger",
                                 counts.front(), counts.front() == 1 ? "" : "s", usual),
             .next =
                 fmt::format("see whether its other nodes are in the source, or leave small blocks out with "
                             "--block-size {}",
                             usual)});
    }

    void tell_missing() {
        std::unordered_set<std::string_view> placed;
        for (const auto& line : out_.lines) placed.insert(line.nodes.begin(), line.nodes.end());
        std::vector<std::string> missing;
        for (const auto& node : options_.nodes)
            if (!placed.contains(node)) missing.push_back(node);
        if (missing.empty()) return;
        out_.findings.push_back(
            {.id = "block-none",
             .level = Level::info,
             .thing = compress_hostlist(missing, most_named_nodes),
             .seen =
                 fmt::format("{} in no block: jobs start there, but none that takes nodes of a block as well",
                             missing.size() == 1 ? "is" : "are"),
             .next =
                 "give their partition a topology of its own (topology.yaml, Slurm 25.05), if it matters"});
    }

    const BlockOptions& options_;
    Blocks out_;
};

} // namespace

Blocks blocks_of(const Hosts& hosts, const RailMap& map, const BlockOptions& options) {
    return BlockMaker(hosts, map, options).blocks();
}

std::string topology_conf(const Blocks& blocks) {
    std::string text;
    for (const auto& line : blocks.lines)
        text += fmt::format("BlockName={} Nodes={}\n", line.name, compress_hostlist(line.nodes));
    return text + fmt::format("BlockSizes={}\n", fmt::join(blocks.sizes, ","));
}

std::string topology_yaml(const Blocks& blocks, const std::string& name, bool is_default) {
    auto text =
        fmt::format("- topology: {}\n  cluster_default: {}\n  block:\n    block_sizes:\n", name, is_default);
    for (auto size : blocks.sizes) text += fmt::format("      - {}\n", size);
    text += "    blocks:\n";
    for (const auto& line : blocks.lines)
        text +=
            fmt::format("      - block: {}\n        nodes: {}\n", line.name, compress_hostlist(line.nodes));
    return text;
}

} // namespace railhead::topology
