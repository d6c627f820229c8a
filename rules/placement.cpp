#include "rules/placement.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

namespace railhead {
namespace {

using Sizes = std::vector<std::uint32_t>;

std::uint32_t least_leaves(const Sizes& sizes, std::uint32_t nodes) {
    std::uint32_t held = 0, leaves = 0;
    while (leaves < sizes.size() && held < nodes) held += sizes[leaves++];
    return leaves;
}

/// 0: no segment of two nodes or more divides them and fits.
std::uint32_t largest_segment(const Sizes& sizes, std::uint32_t nodes, std::uint32_t block_size) {
    for (auto segment = std::min(nodes, block_size); segment > 1; --segment) {
        if (nodes % segment != 0) continue;
        auto held = std::accumulate(sizes.begin(), sizes.end(), 0u, [&](auto sum, auto size) {
            return sum + std::min(size, block_size) / segment;
        });
        if (held >= nodes / segment) return segment;
    }
    return 0;
}

} // namespace

std::string option_of(const Placement& placement) {
    if (placement.segment > 0) return fmt::format("--segment={}", placement.segment);
    return fmt::format("--switches={}@{}:{:02}", placement.leaves, placement.wait_seconds / 60,
                       placement.wait_seconds % 60);
}

std::optional<Placement> compact_placement(const JobRequest& job, const Inventory& inventory,
                                           const Partitions& partitions) {
    auto nodes = job.nodes_max; // with a range: leaves that hold the most hold fewer, too
    if (!nodes || *nodes < 2 || !job.nodelist.empty()) return std::nullopt;
    bool blocks = inventory.block_size > 0;
    if (blocks && job.nodes_min != nodes) return std::nullopt;
    UsableNodes usable(job, inventory);
    Placement placement;
    std::size_t most_leaves = 0;
    for (const auto* partition : partitions) {
        auto sizes = usable.on_leaves_of(*partition);
        if (sizes.empty()) return std::nullopt;
        if (std::accumulate(sizes.begin(), sizes.end(), 0u) < *nodes) continue; // it cannot start there
        most_leaves = std::max(most_leaves, sizes.size());
        auto here =
            blocks ? largest_segment(sizes, *nodes, inventory.block_size) : least_leaves(sizes, *nodes);
        if (here == 0) return std::nullopt;
        if (blocks)
            placement.segment = placement.segment == 0 ? here : std::min(placement.segment, here);
        else
            placement.leaves = std::max(placement.leaves, here);
    }
    if (placement == Placement{} || (!blocks && placement.leaves >= most_leaves)) return std::nullopt;
    return placement;
}

} // namespace railhead
