#include "rules/scalable_unit.hpp"

#include "rules/usable_nodes.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

std::string groups(std::uint64_t number) {
    return fmt::format("{} leaf group{}", number, number == 1 ? "" : "s");
}

Finding finding(std::uint64_t nodes, std::string seen, std::string next) {
    return {.id = "scalable-unit",
            .level = Level::fail,
            .thing = fmt::format("{} nodes", nodes),
            .seen = std::move(seen),
            .next = std::move(next)};
}

std::optional<Finding> verdict_in(const Partition& partition, const JobRequest& job,
                                  const Inventory& inventory, const Settings& settings) {
    std::uint64_t nodes = *job.nodes_max;
    auto sizes = UsableNodes(job, inventory).on_leaves_of(partition);
    if (sizes.empty() || nodes <= sizes.front()) return std::nullopt;
    std::uint64_t held = 0, leaves = 0, allowed = 0;
    auto most = settings.integer_for(Key::submit_unit_most, partition.name, job.user);
    for (auto size : sizes) {
        if (held < nodes) ++leaves;
        held += size;
        if (most > 0 && leaves <= static_cast<std::uint64_t>(most)) allowed = held;
    }
    if (most > 0 && leaves > static_cast<std::uint64_t>(most))
        return finding(nodes,
                       fmt::format("need {} of partition {}, which gives {} to one job", groups(leaves),
                                   partition.name, most),
                       fmt::format("try --nodes={}", allowed));
    auto step = settings.integer_for(Key::submit_unit_step, partition.name, job.user);
    auto unit = product(static_cast<std::uint64_t>(step), sizes.front());
    if (step == 0 || nodes % unit == 0) return std::nullopt;
    auto fewer = std::max<std::uint64_t>(nodes / unit * unit, sizes.front());
    return finding(nodes,
                   fmt::format("are more than a leaf group of partition {} holds ({}), and no multiple of {} "
                               "({})",
                               partition.name, sizes.front(), unit, groups(static_cast<std::uint64_t>(step))),
                   fmt::format("try --nodes={} or --nodes={}", fewer, (nodes / unit + 1) * unit));
}

} // namespace

std::optional<Finding> scalable_unit_rule(const JobRequest& job, const Inventory& inventory,
                                          const Partitions& partitions, const Settings& settings) {
    if (job.modify || !job.nodes_max || job.nodes_min != job.nodes_max) return std::nullopt;
    std::optional<Finding> first;
    for (const auto* partition : partitions) {
        auto verdict = verdict_in(*partition, job, inventory, settings);
        if (!verdict) return std::nullopt;
        if (!first) first = std::move(verdict);
    }
    return first;
}

} // namespace railhead
