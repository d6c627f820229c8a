#include "rules/placement.hpp"

#include "slurm/hostlist.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace railhead {
namespace {

bool fits(const GresItem& item, const NodeClass& node) {
    if (item.gres != "gpu") return true;
    auto needed = item.per == Per::job ? 1 : item.count;
    for (const auto& gres : node.gres)
        if (gres.gres == "gpu" && gres.count >= needed &&
            (item.type.empty() || gres.type.empty() || gres.type == item.type))
            return true;
    return false;
}

/// Number of usable nodes on each leaf that has any, in descending order; empty when a usable node has no
/// leaf.
std::vector<std::uint32_t> leaf_sizes(const JobRequest& job, const Inventory& inventory,
                                      const Partition& partition) {
    auto excluded_names = expand_hostlist(job.exclude).value_or(std::vector<std::string>{});
    const std::set<std::string> excluded(excluded_names.begin(), excluded_names.end());
    std::vector<bool> class_fits;
    for (const auto& node : inventory.classes)
        class_fits.push_back(std::all_of(job.gpus.items.begin(), job.gpus.items.end(),
                                         [&](const GresItem& item) { return fits(item, node); }));
    std::vector<std::uint32_t> sizes(inventory.leaves.size());
    for (auto index : partition.nodes) {
        const auto& node = inventory.nodes[index];
        if (!class_fits[node.node_class] || excluded.count(node.name)) continue;
        if (!node.leaf) return {};
        ++sizes[*node.leaf];
    }
    std::sort(sizes.begin(), sizes.end(), std::greater<>());
    sizes.erase(std::find(sizes.begin(), sizes.end(), 0u), sizes.end());
    return sizes;
}

} // namespace

std::optional<std::uint32_t> least_leaves(const JobRequest& job, const Inventory& inventory,
                                          const Partitions& partitions) {
    auto nodes = job.nodes_max; // with a range: what holds the most holds fewer, too
    if (!nodes || *nodes < 2 || !job.nodelist.empty()) return std::nullopt;
    std::uint32_t least = 0;
    for (const auto* partition : partitions) {
        auto sizes = leaf_sizes(job, inventory, *partition);
        std::uint32_t held = 0, leaves = 0;
        while (leaves < sizes.size() && held < *nodes) held += sizes[leaves++];
        if (held < *nodes || leaves == sizes.size()) return std::nullopt;
        least = std::max(least, leaves);
    }
    if (least == 0) return std::nullopt;
    return least;
}

} // namespace railhead
