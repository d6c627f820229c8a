#include "rules/judge.hpp"

#include "rules/gpu_type.hpp"
#include "rules/gpus_per_node.hpp"
#include "rules/placement.hpp"

#include <algorithm>
#include <cmath>

namespace railhead {
namespace {

using Rule = std::optional<Finding> (*)(const JobRequest&, const Inventory&, const Partitions&);

struct RuleRow {
    Key key;
    Rule rule;
};

constexpr RuleRow rules[] = {
    {Key::submit_rule_gpu_type, gpu_type_rule},
    {Key::submit_rule_gpus_per_node, gpus_per_node_rule},
};

/// Absent: off in one of the partitions, which may take the job.
std::optional<Level> level_of(Key key, const Settings& settings, const Partitions& partitions) {
    auto level = Level::fail;
    for (const auto* partition : partitions) {
        const auto& text = settings.text_for_partition(key, partition->name);
        if (text == "off") return std::nullopt;
        if (text == "warn") level = Level::warn;
    }
    return level;
}

bool wants_compact(const JobRequest& job, const Settings& settings, const Partitions& partitions) {
    if (job.placement) return *job.placement == "compact";
    return std::all_of(partitions.begin(), partitions.end(), [&](const Partition* partition) {
        return settings.text_for_partition(Key::submit_placement, partition->name) == "compact";
    });
}

std::uint32_t wait_of(const Inventory& inventory, const Settings& settings, const Partitions& partitions) {
    double longest = 0;
    for (const auto* partition : partitions)
        longest =
            std::max(longest, settings.seconds_for_partition(Key::submit_placement_wait, partition->name));
    return static_cast<std::uint32_t>(
        std::min(std::ceil(longest), static_cast<double>(inventory.max_switch_wait)));
}

/// What the user asked for by option and cannot have is said; what only the site's policy asks for is not.
Finding compact_without_nodes() {
    return {.id = "rail-placement",
            .level = Level::warn,
            .thing = "--rail-placement=compact",
            .seen = "has no effect: the number of nodes is not given",
            .next = "add --nodes=N"};
}

} // namespace

Judgement judge(const JobRequest& job, const Inventory& inventory, const Settings& settings) {
    Judgement judgement;
    if (job.modify && job.partitions.empty()) return judgement; // it stays where it is, and that is not told
    auto partitions = inventory.partitions_of(job);
    auto empty = [](const Partition* each) { return each->nodes.empty(); }; // its nodes may register any time
    if (partitions.empty() || std::any_of(partitions.begin(), partitions.end(), empty)) return judgement;
    for (const auto& row : rules) {
        auto level = level_of(row.key, settings, partitions);
        if (!level) continue;
        auto finding = row.rule(job, inventory, partitions);
        if (!finding) continue;
        finding->level = *level;
        judgement.findings.push_back(std::move(*finding));
    }
    if (job.modify || job.switches || !wants_compact(job, settings, partitions)) return judgement;
    if (job.placement && !job.nodes_max) judgement.findings.push_back(compact_without_nodes());
    if (auto leaves = least_leaves(job, inventory, partitions))
        judgement.switches = SwitchRequest{*leaves, wait_of(inventory, settings, partitions)};
    return judgement;
}

} // namespace railhead
