// Several programs in one launch, side by side.
#include "launcher/recipes/groups.hpp"

#include "base/number.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>

namespace railhead {
namespace {

tl::unexpected<Error> wrong_nodes(const RunGroup& group, std::string seen, std::string expected) {
    return fail(ErrorKind::usage, {.id = "group-nodes",
                                   .thing = fmt::format("--group {}={}", group.name, group.nodes),
                                   .seen = std::move(seen),
                                   .expected = std::move(expected)});
}

Result<std::vector<int>> places_by_number(const RunGroup& group, const NodeOrder& order) {
    auto numbers = expand_hostlist("[" + group.nodes + "]");
    if (!numbers) return wrong_nodes(group, "is no list of numbers", "one such as 0-1,3");
    std::set<int> places;
    const auto count = static_cast<int>(order.nodes.size());
    for (const auto& number : *numbers) {
        const auto place = whole_number<int>(number).value_or(count);
        if (place >= count)
            return wrong_nodes(
                group, fmt::format("names place {}", number),
                fmt::format("0 to {}: the launch has {}", count - 1, counted(order.nodes.size(), "node")));
        places.insert(place);
    }
    return std::vector<int>(places.begin(), places.end());
}

Result<std::vector<int>> places_by_name(const RunGroup& group, const NodeOrder& order) {
    auto names = expand_hostlist(group.nodes);
    if (!names) return tl::unexpected(std::move(names.error()).within("--group " + group.name));
    std::set<int> places;
    for (const auto& name : *names) {
        auto found = std::ranges::find(order.nodes, name, &PlanNode::name);
        if (found == order.nodes.end()) {
            std::vector<std::string> all;
            for (const auto& node : order.nodes) all.push_back(node.name);
            return wrong_nodes(
                group, fmt::format("names {}, which is no node of the launch", name),
                fmt::format("all, places from 0, het:N, or names of {}", compress_hostlist(all, 8)));
        }
        places.insert(static_cast<int>(found - order.nodes.begin()));
    }
    return std::vector<int>(places.begin(), places.end());
}

Result<std::vector<int>> places_by_component(const RunGroup& group, const LaunchInput& input,
                                             const NodeOrder& order) {
    const auto number = whole_number<int>(std::string_view(group.nodes).substr(4));
    std::vector<int> places;
    std::set<int> have;
    for (std::size_t place = 0; place < order.nodes.size(); ++place) {
        const auto component = static_cast<std::size_t>(order.nodes[place].component);
        if (component >= input.allocation.components.size()) continue;
        const auto& part = input.allocation.components[component].het_group;
        if (part) have.insert(*part);
        if (part && part == number) places.push_back(static_cast<int>(place));
    }
    if (!places.empty()) return places;
    if (have.empty())
        return wrong_nodes(group, "asks for a component, and this job has none", "a heterogeneous job");
    return wrong_nodes(group, "names no component of the job",
                       fmt::format("one of {}", fmt::join(have, ", ")));
}

/// Where the group runs, in rank order.
Result<std::vector<int>> group_places(const RunGroup& group, const LaunchInput& input,
                                      const NodeOrder& order) {
    if (group.nodes == "all") {
        std::vector<int> places(order.nodes.size());
        std::iota(places.begin(), places.end(), 0);
        return places;
    }
    if (group.nodes.starts_with("het:")) return places_by_component(group, input, order);
    const bool numbers = group.nodes.find_first_not_of("0123456789-,") == std::string::npos;
    return numbers ? places_by_number(group, order) : places_by_name(group, order);
}

std::string probe_of(const RunGroup& group) {
    return fmt::format("{}.{}", program_probe_name, group.name);
}

Result<void> check_group(const LaunchInput& input, const NodeOrder& nodes, const RunGroup& group) {
    auto checked = check_ranks(input, nodes, probe_of(group));
    if (!checked) return tl::unexpected(std::move(checked.error()).within("--group " + group.name));
    return {};
}

Milestone milestone_of(const Gate& gate, const LaunchInput& input, int node) {
    auto arg = literal(gate.arg);
    if (gate.kind == "port" || gate.kind == "http") arg = fmt::format("${{addr.{}}}:{}", node, arg);
    if (gate.kind == "file" && !arg.starts_with('/')) arg = literal(input.cwd) + "/" + arg;
    return {.name = gate.text,
            .kind = gate.kind == "file" ? "exists" : gate.kind,
            .arg = std::move(arg),
            .fresh = true};
}

/// What lives until the end, and is looked at until it is ready.
void make_service(Process& process) {
    process.role = Role::service;
    process.input = false;
    process.log = process.id + ".log";
}

std::string note_of(const RunGroup& group, const NodeOrder& order, const std::vector<int>& places,
                    std::size_t ranks) {
    std::vector<std::string> names;
    for (auto place : places) names.push_back(order.nodes[static_cast<std::size_t>(place)].name);
    return fmt::format("group {}: {} on {}{}", group.name, counted(ranks, "rank"), compress_hostlist(names),
                       group.gate ? fmt::format(", ready by {}", group.gate->text) : "");
}

int rank_number(const Process& process) {
    return whole_number<int>(process.env.at("RANK")).value_or(0);
}

/// As those of `run`: one alone has our own output, several write to files that are shown.
void show_ranks(Plan& plan, const RankFilter& shown) {
    std::vector<Process*> ranks;
    int most = 0; // of a group
    for (auto& process : plan.processes)
        if (process.role == Role::rank) {
            ranks.push_back(&process);
            most = std::max(most, rank_number(process) + 1);
        }
    if (auto remark = shown.remark(most); most > 0 && !remark.empty())
        plan.notes.push_back(std::move(remark));
    if (ranks.size() == 1 && shown.has(0)) return;
    for (auto* rank : ranks) log_to_files(*rank, rank->id, shown.has(rank_number(*rank)));
}

void tell_of_groups(Process& process, const std::vector<RunGroup>& groups,
                    const std::vector<std::vector<int>>& places, std::size_t own) {
    process.env["RAILHEAD_GROUP"] = groups[own].name;
    for (std::size_t i = 0; i < groups.size(); ++i)
        if (i != own)
            process.env[fmt::format("RAILHEAD_GROUP_{}_ADDR", variable_of_group(groups[i].name))] =
                fmt::format("${{addr.{}}}", places[i].front());
}

} // namespace

std::map<std::string, std::string> probes_of(const std::vector<RunGroup>& groups) {
    std::map<std::string, std::string> probes;
    for (const auto& group : groups) probes.emplace(probe_of(group), group.command.front());
    return probes;
}

Result<Plan> plan_groups(const LaunchInput& input, const std::vector<RunGroup>& groups,
                         const RankFilter& shown) {
    const auto ordered = order_nodes(input);
    if (!ordered) return tl::unexpected(ordered.error());
    const auto& order = *ordered;
    std::vector<std::vector<int>> places;
    for (const auto& group : groups) {
        auto chosen = group_places(group, input, order);
        if (!chosen) return tl::unexpected(std::move(chosen.error()));
        if (auto checked = check_group(input, part_of(order, *chosen), group); !checked)
            return tl::unexpected(std::move(checked.error()));
        places.push_back(std::move(*chosen));
    }
    auto plan = plan_frame(input, "run", order);
    plan.keep = std::ranges::all_of(groups, [](auto& group) { return group.gate.has_value(); });
    std::vector<std::string> gates; // of the groups before
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const auto& group = groups[i];
        const RankSet set{.name = group.name,
                          .command = group.command,
                          .places = places[i],
                          .per_node = group.per_node,
                          .ports = "." + group.name};
        add_ports(plan, set);
        auto processes = processes_of(input, order, set);
        plan.notes.push_back(note_of(group, order, places[i], processes.size()));
        for (auto& process : processes) {
            tell_of_groups(process, groups, places, i);
            process.start_when = gates;
            if (group.gate) make_service(process);
        }
        if (group.gate) {
            processes.front().milestones.push_back(milestone_of(*group.gate, input, places[i].front()));
            gates.push_back(fmt::format("{}.{}", processes.front().id, group.gate->text));
        }
        std::ranges::move(processes, std::back_inserter(plan.processes));
    }
    show_ranks(plan, shown);
    return plan;
}

} // namespace railhead
