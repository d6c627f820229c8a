#include "rules/type_required.hpp"

#include <fmt/core.h>

#include <set>

namespace railhead {

std::optional<Finding> type_required_rule(const JobRequest& job, const Inventory& inventory,
                                          const Partitions& partitions) {
    std::set<std::string> types;
    auto pools = gpu_pools(inventory, partitions);
    for (const auto& pool : pools)
        if (!pool.type.empty()) types.insert(pool.type);
    if (types.size() < 2) return std::nullopt;
    for (const auto* item : gpu_items(job)) {
        if (!item->type.empty()) continue;
        auto wanted = *item;
        wanted.type = pools.front().type.empty() ? *types.begin() : pools.front().type;
        auto proposal = option_for(wanted, *item, job);
        return Finding{.id = "type-required",
                       .level = Level::fail,
                       .thing = spelled(*item),
                       .seen = fmt::format("names no type, and {} {} several ({})", describe(partitions),
                                           has(partitions), describe(pools)),
                       .next = "try " + proposal};
    }
    return std::nullopt;
}

} // namespace railhead
