#include "rules/judge.hpp"

#include "rules/conflict.hpp"
#include "rules/gpu_share.hpp"
#include "rules/gpu_type.hpp"
#include "rules/gpu_visibility.hpp"
#include "rules/gpus_per_node.hpp"
#include "rules/gpus_total.hpp"
#include "rules/mixed_types.hpp"
#include "rules/node_shape.hpp"
#include "rules/partition_kind.hpp"
#include "rules/scalable_unit.hpp"
#include "rules/time_limit.hpp"
#include "rules/type_required.hpp"
#include "rules/uneven.hpp"
#include "rules/whole_nodes.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace railhead {
namespace {

using Rule = std::optional<Finding> (*)(const JobRequest&, const Inventory&, const Partitions&,
                                        const Settings&);

/// A rule that policy only switches.
template <auto rule>
std::optional<Finding> plain(const JobRequest& job, const Inventory& inventory, const Partitions& partitions,
                             const Settings&) {
    return rule(job, inventory, partitions);
}

struct RuleRow {
    Key key;
    Rule rule;
    bool counts_nodes = false; ///< or what is on them
};

// What makes others pointless stands before them.
constexpr RuleRow rules[] = {
    {Key::submit_rule_partition_kind, plain<partition_kind_rule>, true},
    {Key::submit_rule_gpu_type, plain<gpu_type_rule>, true},
    {Key::submit_rule_gpus_per_node, plain<gpus_per_node_rule>, true},
    {Key::submit_rule_gpus_total, plain<gpus_total_rule>, true},
    {Key::submit_rule_node_shape, plain<node_shape_rule>, true},
    {Key::submit_rule_conflict, plain<conflict_rule>},
    {Key::submit_rule_time_limit, plain<time_limit_rule>},
    {Key::submit_rule_type_required, plain<type_required_rule>},
    {Key::submit_rule_mixed_types, plain<mixed_types_rule>},
    {Key::submit_rule_uneven, plain<uneven_rule>},
    {Key::submit_rule_whole_nodes, plain<whole_nodes_rule>},
    {Key::submit_rule_gpu_share, plain<gpu_share_rule>},
    {Key::submit_rule_gpu_visibility, plain<gpu_visibility_rule>},
    {Key::submit_rule_scalable_unit, scalable_unit_rule},
};

constexpr std::size_t most_verdicts = 3;

/// How a rule is applied, from mild to severe.
enum class Severity { off, warn, enforce, strict };

Severity severity_of(const std::string& text) {
    if (text == "off") return Severity::off;
    if (text == "warn") return Severity::warn;
    return text == "strict" ? Severity::strict : Severity::enforce;
}

/// The mildest of the partitions, each of which may take the job.
Severity severity_of(Key key, const JobRequest& job, const Settings& settings, const Partitions& partitions) {
    auto mildest = Severity::strict;
    for (const auto* partition : partitions)
        mildest = std::min(mildest, severity_of(settings.text_for(key, partition->name, job.user)));
    return mildest;
}

/// Whether one of the comma-separated `names` is in the setting's list.
bool listed(Key key, const Settings& settings, const std::string& names) {
    auto list = settings.names(key);
    return std::any_of(list.begin(), list.end(), [&](const std::string& name) {
        return ("," + names + ",").find("," + name + ",") != std::string::npos;
    });
}

bool is_exempt(const JobRequest& job, const Settings& settings) {
    return listed(Key::submit_exempt_users, settings, job.user) ||
           listed(Key::submit_exempt_accounts, settings, job.account) ||
           listed(Key::submit_exempt_qos, settings, job.qos) ||
           listed(Key::submit_exempt_reservations, settings, job.reservation);
}

std::vector<Finding> verdicts(const JobRequest& job, const Inventory& inventory, const Settings& settings,
                              const Partitions& partitions) {
    std::vector<Finding> findings;
    for (const auto& row : rules) {
        auto severity = severity_of(row.key, job, settings, partitions);
        if (severity == Severity::off) continue;
        auto finding = row.rule(job, inventory, partitions, settings);
        if (!finding) continue;
        if (severity == Severity::warn) finding->level = Level::warn;
        if (severity == Severity::strict) finding->level = Level::fail;
        if (row.counts_nodes && inventory.can_grow) finding->level = Level::warn;
        findings.push_back(std::move(*finding));
    }
    if (refuses(findings))
        std::erase_if(findings, [](const Finding& finding) { return finding.level != Level::fail; });
    if (findings.size() > most_verdicts) findings.resize(most_verdicts);
    return findings;
}

bool wants_compact(const JobRequest& job, const Settings& settings, const Partitions& partitions) {
    if (job.placement) return *job.placement == "compact";
    return std::all_of(partitions.begin(), partitions.end(), [&](const Partition* partition) {
        return settings.text_for(Key::submit_placement, partition->name, job.user) == "compact";
    });
}

std::uint32_t wait_of(const JobRequest& job, const Inventory& inventory, const Settings& settings,
                      const Partitions& partitions) {
    double longest = 0;
    for (const auto* partition : partitions)
        longest =
            std::max(longest, settings.seconds_for(Key::submit_placement_wait, partition->name, job.user));
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

bool refuses(const std::vector<Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(),
                       [](const Finding& finding) { return finding.level == Level::fail; });
}

Judgement judge(const JobRequest& job, const Inventory& inventory, const Settings& settings) {
    Judgement judgement;
    // An update may not tell where the job is: then what no partition at all has is refused.
    bool anywhere = job.modify && job.partitions.empty();
    auto partitions = anywhere ? inventory.every_partition() : inventory.partitions_of(job);
    auto empty = [](const Partition* each) { return each->nodes.empty(); }; // its nodes may register any time
    if (partitions.empty() || std::any_of(partitions.begin(), partitions.end(), empty)) return judgement;
    if (!is_exempt(job, settings)) judgement.findings = verdicts(job, inventory, settings, partitions);
    if (job.modify || job.switches || job.segment || !wants_compact(job, settings, partitions))
        return judgement;
    if (job.placement && !job.nodes_max) judgement.findings.push_back(compact_without_nodes());
    judgement.placement = compact_placement(job, inventory, partitions);
    if (judgement.placement && judgement.placement->leaves > 0)
        judgement.placement->wait_seconds = wait_of(job, inventory, settings, partitions);
    return judgement;
}

} // namespace railhead
