#include "rules/judge.hpp"

#include "rules/capacity.hpp"
#include "rules/conflict.hpp"
#include "rules/gpu_share.hpp"
#include "rules/gpu_type.hpp"
#include "rules/gpu_visibility.hpp"
#include "rules/gpus_per_node.hpp"
#include "rules/gpus_total.hpp"
#include "rules/mixed_types.hpp"
#include "rules/node_shape.hpp"
#include "rules/partition_kind.hpp"
#include "rules/proposal.hpp"
#include "rules/scalable_unit.hpp"
#include "rules/time_limit.hpp"
#include "rules/type_required.hpp"
#include "rules/uneven.hpp"
#include "rules/usable_nodes.hpp"
#include "rules/whole_nodes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <utility>

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

std::string in_small_letters(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

/// Whether one of the comma-separated `names` is in the setting's list.
bool listed(Key key, const Settings& settings, const std::string& names) {
    auto list = settings.names(key);
    return std::any_of(list.begin(), list.end(), [&](const std::string& name) {
        return ("," + names + ",").find("," + name + ",") != std::string::npos;
    });
}

/// To Slurm, -A OPS is account ops, and --qos=HIGH QOS high.
bool listed_in_any_case(Key key, const Settings& settings, const std::string& names) {
    auto list = settings.names(key);
    auto small = "," + in_small_letters(names) + ",";
    return std::any_of(list.begin(), list.end(), [&](const std::string& name) {
        return small.find("," + in_small_letters(name) + ",") != std::string::npos;
    });
}

bool is_exempt(const JobRequest& job, const Settings& settings) {
    return listed(Key::submit_exempt_users, settings, job.user) ||
           listed_in_any_case(Key::submit_exempt_accounts, settings, job.account) ||
           listed_in_any_case(Key::submit_exempt_qos, settings, job.qos) ||
           listed(Key::submit_exempt_reservations, settings, job.reservation);
}

bool is_refusal(const Finding& finding) {
    return finding.level == Level::fail;
}

std::vector<Finding> verdicts(const JobRequest& job, const Inventory& inventory, const Settings& settings,
                              const Partitions& partitions);

/// Slurm tries each of several partitions alone: where each refuses for a reason of its own, none takes the
/// job.
std::optional<Finding> refused_by_each(const JobRequest& job, const Inventory& inventory,
                                       const Settings& settings, const Partitions& partitions) {
    std::optional<Finding> all;
    for (const auto* partition : partitions) {
        auto findings = verdicts(job, inventory, settings, {partition});
        auto refusal = std::find_if(findings.begin(), findings.end(), is_refusal);
        if (refusal == findings.end()) return std::nullopt;
        if (!all) {
            all = *refusal;
            continue;
        }
        all->seen += fmt::format(", and {} {}", refusal->thing, refusal->seen);
        all->next = all->next.substr(0, all->next.find(" or else ")); // what helps in any of them
        if (!refusal->next.empty()) all->next += (all->next.empty() ? "" : " or ") + refusal->next;
    }
    return all;
}

/// The job without the numbers that do not hold where a partition gives more nodes than its tasks need
/// (MinNodes): then those do not say how many, 22.05 runs it, and the others wait. Absent: all of them hold.
std::optional<JobRequest> without_bounds(const JobRequest& job, const Inventory& inventory,
                                         const Partitions& partitions) {
    auto gives_more = [&](std::optional<std::uint32_t> nodes) {
        return std::any_of(partitions.begin(), partitions.end(),
                           [&](const Partition* each) { return nodes && each->min_nodes > *nodes; });
    };
    bool free_nodes = job.nodes_follow_tasks && gives_more(job.nodes_max);
    const auto items = gpu_items(job);
    bool in_total =
        std::any_of(items.begin(), items.end(), [](const auto* item) { return item->per == Per::job; });
    bool free_tasks = in_total && gives_more(job.tasks) && (free_nodes || !gives_more(job.nodes_max)) &&
                      !job.tasks_per_gpu && !inventory.tasks_bound_nodes;
    if (!free_nodes && !free_tasks) return std::nullopt;
    auto free = job;
    if (free_nodes) free.nodes_max.reset();
    if (free_nodes) free.nodes_follow_tasks = false;
    if (free_tasks) free.tasks.reset();
    if (free_tasks) free.tasks_per_node.reset();
    return free;
}

std::vector<Finding> verdicts(const JobRequest& job, const Inventory& inventory, const Settings& settings,
                              const Partitions& partitions) {
    const auto free = without_bounds(job, inventory, partitions);
    const auto& judged = free ? *free : job;
    std::vector<Finding> findings;
    bool softened = false; // by policy, what would not start
    for (const auto& row : rules) {
        auto severity = severity_of(row.key, job, settings, partitions);
        if (severity == Severity::off) continue;
        auto finding = row.rule(judged, inventory, partitions, settings);
        if (!finding) continue;
        if (severity == Severity::warn) {
            softened |= row.counts_nodes && finding->level == Level::fail;
            finding->level = Level::warn;
        }
        if (severity == Severity::strict) finding->level = Level::fail;
        bool may_change = inventory.can_grow || (inventory.features_change_nodes && !job.features.empty());
        if (row.counts_nodes && may_change) finding->level = Level::warn;
        findings.push_back(std::move(*finding));
    }
    if (partitions.size() > 1 && !softened && !refuses(findings))
        if (auto finding = refused_by_each(job, inventory, settings, partitions))
            findings.insert(findings.begin(), std::move(*finding));
    return findings;
}

bool has_no_nodes(const Partition* partition) {
    return partition->nodes.empty();
}

/// Where the job is, or may be. An update may not tell: then what no partition at all has is refused.
Partitions partitions_for(const JobRequest& job, const Inventory& inventory) {
    if (!job.modify || !job.partitions.empty()) return inventory.partitions_of(job);
    auto all = inventory.every_partition();
    std::erase_if(all, has_no_nodes);
    return all;
}

/// For a proposal: what is judged together. An update that does not tell may be of a job in any partition.
std::vector<Partitions> where_it_may_be(const JobRequest& job, const Inventory& inventory) {
    auto together = partitions_for(job, inventory);
    if (!job.modify || !job.partitions.empty()) return {together};
    std::vector<Partitions> each;
    for (const auto* partition : together) each.push_back({partition});
    return each;
}

/// Another partition may have another QOS.
std::optional<JobRequest> changed_by(std::string_view options, const JobRequest& job,
                                     const Inventory& inventory) {
    auto changed = with_options(job, options);
    if (changed && job.lifts) changed->lifts = inventory.lifts_of(*changed);
    return changed;
}

NextRefusal next_refusal_of(const JobRequest& job, const Inventory& inventory, const Settings& settings) {
    return [&](std::string_view options) -> std::optional<std::string> {
        auto changed = changed_by(options, job, inventory);
        if (!changed) return std::nullopt;
        auto later = verdicts(*changed, inventory, settings, partitions_for(*changed, inventory));
        auto refusal = std::find_if(later.begin(), later.end(), is_refusal);
        if (refusal == later.end()) return "";
        return refusal->next.empty() ? std::nullopt : std::optional(refusal->next);
    };
}

/// Who types what each of several refusals proposes is not to be refused once more, for what none of them
/// said: then the first one proposes all of it.
void propose_together(std::vector<Finding>& findings, const NextRefusal& next_refusal) {
    std::string first_ways;
    for (const auto& finding : findings) {
        if (with_first_way("", finding.next).empty()) return; // advice that is no option
        first_ways = with_first_way(first_ways, finding.next);
    }
    if (next_refusal(first_ways) == "") return;
    auto together = ways_in_turn(findings.front().next, next_refusal);
    if (together.empty()) together = ways_in_turn("try " + first_ways, next_refusal);
    for (auto& finding : findings) finding.next.clear();
    findings.front().next = together.empty() ? "ask for less" : std::move(together);
}

/// What is left to say, and no proposal that would be refused in its turn, or warned of by the same rule.
std::vector<Finding> said(std::vector<Finding> findings, const JobRequest& job, const Inventory& inventory,
                          const Settings& settings) {
    if (findings.empty()) return findings;
    const auto all = findings;
    auto stranger = unknown_host(job.nodelist, inventory);
    if (stranger.empty()) stranger = unknown_host(job.exclude, inventory);
    bool unknown_nodes = !stranger.empty() || names_sets(job.nodelist) || names_sets(job.exclude);
    auto is_new = [&](const Finding& finding, const Finding& later) {
        auto same = [&](const Finding& each) { return each.id == later.id; };
        return later.id == finding.id ||
               (later.level == Level::fail && std::none_of(all.begin(), all.end(), same));
    };
    const auto next_refusal = next_refusal_of(job, inventory, settings);
    if (refuses(findings))
        std::erase_if(findings, [](const Finding& finding) { return finding.level != Level::fail; });
    if (findings.size() > most_verdicts) findings.resize(most_verdicts);
    for (auto& finding : findings) {
        auto works = [&](std::string_view options) {
            auto changed = changed_by(options, job, inventory);
            if (!changed || unknown_nodes) return false;
            auto places = where_it_may_be(*changed, inventory);
            return std::all_of(places.begin(), places.end(), [&](const Partitions& partitions) {
                auto later = verdicts(*changed, inventory, settings, partitions);
                return std::none_of(later.begin(), later.end(),
                                    [&](const Finding& each) { return is_new(finding, each); });
            });
        };
        if (!finding.next.empty() && finding.next.find("try ") == std::string::npos) continue;
        auto next = std::exchange(finding.next, ways_that_work(finding.next, works));
        if (!finding.next.empty() || finding.level != Level::fail) continue;
        if (!job.modify) finding.next = on_fewer_nodes(job, works);
        if (!job.modify && !unknown_nodes && finding.next.empty())
            finding.next = ways_in_turn(std::move(next), next_refusal);
        if (!stranger.empty())
            finding.next = fmt::format("name nodes of this cluster, of which {} is none", stranger);
        if (finding.next.empty())
            finding.next = job.nodelist.empty() ? "ask for less" : "ask for less, or name fewer nodes";
    }
    if (!job.modify && !unknown_nodes && findings.size() > 1 && refuses(findings))
        propose_together(findings, next_refusal);
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

Judgement judge_by(const JobRequest& job, const Inventory& inventory, const Settings& settings,
                   const Partitions& partitions) {
    Judgement judgement;
    if (!is_exempt(job, settings))
        judgement.findings = said(verdicts(job, inventory, settings, partitions), job, inventory, settings);
    if (job.modify || job.switches || job.segment || !wants_compact(job, settings, partitions))
        return judgement;
    if (job.placement && !job.nodes_max) judgement.findings.push_back(compact_without_nodes());
    judgement.placement = compact_placement(job, inventory, partitions);
    if (judgement.placement && judgement.placement->leaves > 0)
        judgement.placement->wait_seconds = wait_of(job, inventory, settings, partitions);
    return judgement;
}

bool ignores_down_nodes(const JobRequest& job, const Settings& settings, const Partitions& partitions) {
    return std::all_of(partitions.begin(), partitions.end(), [&](const Partition* partition) {
        return settings.text_for(Key::submit_down_nodes, partition->name, job.user) == "ignore";
    });
}

/// The partitions have none, or none that is up.
Judgement no_nodes(const JobRequest& job, const Settings& settings, const Partitions& partitions,
                   std::string thing, std::string seen) {
    auto severity = severity_of(Key::submit_rule_node_shape, job, settings, partitions);
    if (severity == Severity::off || is_exempt(job, settings)) return {};
    return {.findings = {{.id = "node-shape",
                          .level = severity == Severity::warn ? Level::warn : Level::fail,
                          .thing = std::move(thing),
                          .seen = std::move(seen),
                          .next = "name another partition"}}};
}

} // namespace

bool refuses(const std::vector<Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(), is_refusal);
}

Judgement judge(const JobRequest& job, const Inventory& inventory, const Settings& settings) {
    if (!inventory.counts_memory && (job.memory_per_cpu_mib || job.memory_per_gpu_mib)) {
        auto other = job;
        other.memory_per_cpu_mib = other.memory_per_gpu_mib = std::nullopt;
        return judge(other, inventory, settings);
    }
    if (job.threads_per_core && !inventory.threads_bound_cpus) {
        auto other = job;
        other.threads_per_core.reset();
        return judge(other, inventory, settings);
    }
    if (!job.lifts && !job.modify && !inventory.qos.empty()) {
        auto known = job;
        known.lifts = inventory.lifts_of(job);
        if (known.lifts) return judge(known, inventory, settings);
    }
    if (auto filled = with_gpus_of_tasks(job)) return judge(*filled, inventory, settings);
    auto partitions = partitions_for(job, inventory);
    if (partitions.empty()) return {};
    if (std::any_of(partitions.begin(), partitions.end(), has_no_nodes)) {
        if (inventory.can_grow) return {}; // its nodes may register at any time
        auto empty = partitions;
        std::erase_if(partitions, has_no_nodes);
        if (partitions.empty())
            return no_nodes(job, settings, empty, describe(empty), std::string(has(empty)) + " no nodes");
    }
    auto by_all = judge_by(job, inventory, settings, partitions);
    if (!inventory.up || refuses(by_all.findings) || !ignores_down_nodes(job, settings, partitions))
        return by_all;
    auto left = partitions_for(job, *inventory.up);
    std::erase_if(left, has_no_nodes);
    auto by_up = left.empty()
                     ? no_nodes(job, settings, partitions, "each node of " + describe(partitions), "is down")
                     : judge_by(job, *inventory.up, settings, left);
    for (auto& finding : by_up.findings) {
        if (std::count(by_all.findings.begin(), by_all.findings.end(), finding) > 0) continue;
        finding.next += finding.next.empty() ? "" : ", or ";
        finding.next += "wait for the nodes that are down, which this site does not count";
        by_up.by_down_nodes = true;
    }
    return by_up;
}

} // namespace railhead
