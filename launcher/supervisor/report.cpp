#include "launcher/supervisor/report.hpp"

#include "launcher/channel/server.hpp"
#include "launcher/json.hpp"
#include "launcher/recipes/recipe.hpp"
#include "launcher/supervisor/launch.hpp"
#include "launcher/supervisor/outcome.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace railhead {
namespace {

using nlohmann::json;

json cause_json(const Cause& cause) {
    return {{"kind", cause.kind},
            {"process", cause.process.empty() ? json(nullptr) : json(cause.process)},
            {"rank", json(cause.rank)},
            {"node", cause.node.empty() ? json(nullptr) : json(cause.node)},
            {"sentence", cause.sentence},
            {"log_tail", cause.log_tail},
            {"log", cause.log.empty() ? json(nullptr) : json(cause.log)}};
}

json node_json(const NodeReport& node) {
    return {{"name", node.name},
            {"address", node.address},
            {"leaf", node.leaf.empty() ? json(nullptr) : json(node.leaf)},
            {"cpus", node.cpus},
            {"gpus", node.gpus},
            {"agent_s", json(node.agent_s)},
            {"ready_s", json(node.ready_s)}};
}

std::string leaf_groups(const Report& report) {
    std::map<std::string, std::vector<std::string>> groups;
    for (auto& node : report.nodes) groups[node.leaf].push_back(node.name);
    if (groups.empty() || (groups.size() == 1 && groups.begin()->first.empty())) return {};
    std::string text;
    for (auto& [leaf, nodes] : groups)
        text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", leaf.empty() ? "unknown" : leaf,
                            compress_hostlist(nodes));
    return fmt::format("{}: {}", counted(groups.size(), "leaf group"), text);
}

/// In the order in which they happened; what several nodes say alike is one line: "node[2-4]: ports are
/// taken".
std::vector<std::string> victim_lines(const std::vector<Cause>& victims) {
    struct Said {
        std::string text; ///< without its node
        std::vector<std::string> nodes;
    };
    std::vector<Said> all;
    for (auto& victim : victims) {
        const auto node = victim.node + ": ";
        const bool named = !victim.node.empty() && victim.sentence.starts_with(node);
        const auto text = named ? victim.sentence.substr(node.size()) : victim.sentence;
        auto same = std::ranges::find_if(
            all, [&](const Said& said) { return named && !said.nodes.empty() && said.text == text; });
        if (same == all.end()) same = all.insert(all.end(), {text, {}});
        if (named) same->nodes.push_back(victim.node);
    }
    std::vector<std::string> lines;
    for (auto& said : all)
        lines.push_back(said.nodes.empty() ? said.text : compress_hostlist(said.nodes) + ": " + said.text);
    return lines;
}

} // namespace

Report report_of(const Outcome& refusal, const std::string& recipe, double whole_s) {
    Report report{.version = RAILHEAD_VERSION, .recipe = recipe};
    report.exit_code = refusal.exit_code;
    report.cause = refusal.cause;
    report.whole_s = whole_s;
    return report;
}

Report report_of(const Launch& launch, const Measured& measured) {
    Report report{.version = RAILHEAD_VERSION, .recipe = launch.plan().recipe};
    report.exit_code = launch.outcome().exit_code;
    report.cause = launch.outcome().cause;
    report.cause.log = launch.log_of(report.cause.process);
    report.victims = launch.victims();
    for (auto& victim : report.victims) victim.log = launch.log_of(victim.process);
    report.phases = measured.phases;
    report.ready_s = measured.ready_s;
    report.whole_s = measured.whole_s;
    report.job_nodes = measured.allocation.nodes().size();
    report.hooks = launch.hooks();
    report.findings = launch.findings();
    report.survivors = launch.survivors();
    for (std::size_t i = 0; i < launch.plan().order.size(); ++i) {
        const auto& place = launch.plan().order[i];
        auto peer = peer_name(place.component, place.name);
        NodeReport node{.name = place.name, .address = place.address, .leaf = place.leaf};
        if (auto hello = measured.hellos.find(peer); hello != measured.hellos.end()) {
            node.cpus = allocated_cpus(measured.allocation, hello->second);
            node.gpus = static_cast<int>(hello->second.gpus.size());
            node.agent_s = measured.hello_s.at(peer);
        }
        node.ready_s = launch.node_ready_s(static_cast<int>(i));
        report.nodes.push_back(node);
    }
    if (report.exit_code == 0 && !report.survivors.empty())
        report.exit_code = exit_code(ErrorKind::survivors);
    return report;
}

json to_json(const Report& report) {
    json phases = json::array(), nodes = json::array(), victims = json::array(), restarts = json::array(),
         hooks = json::array();
    for (auto& hook : report.hooks)
        hooks.push_back(
            {{"node", hook.node}, {"name", hook.name}, {"s", hook.s}, {"exit_code", json(hook.exit_code)}});
    for (auto& phase : report.phases)
        phases.push_back({{"name", phase.name}, {"start_s", phase.start_s}, {"s", phase.s}});
    for (auto& node : report.nodes) nodes.push_back(node_json(node));
    for (auto& victim : report.victims) victims.push_back(cause_json(victim));
    for (auto& cause : report.restarts) restarts.push_back(cause_json(cause));
    return {{"v", report.v},
            {"version", report.version},
            {"job", report.job},
            {"recipe", report.recipe},
            {"attempt", report.attempt},
            {"exit_code", report.exit_code},
            {"cause", cause_json(report.cause)},
            {"victims", victims},
            {"restarts", restarts},
            {"phases", phases},
            {"ready_s", json(report.ready_s)},
            {"whole_s", report.whole_s},
            {"nodes", nodes},
            {"hooks", hooks},
            {"findings", report.findings},
            {"survivors", report.survivors},
            {"log_dir", report.log_dir.empty() ? json(nullptr) : json(report.log_dir)}};
}

std::vector<std::string> summary_of(const Report& report) {
    std::vector<std::string> lines;
    if (report.exit_code == 0) lines.push_back(report.cause.sentence); // a failure was said when it happened
    for (auto& line : report.cause.log_tail) lines.push_back("  | " + line);
    if (!report.cause.log.empty()) lines.push_back("  log: " + report.cause.log);
    for (auto& line : victim_lines(report.victims)) lines.push_back("then: " + line);
    if (!report.restarts.empty())
        lines.push_back(fmt::format(
            "started again {}",
            report.restarts.size() == 1 ? "once" : fmt::format("{} times", report.restarts.size())));
    for (auto& survivor : report.survivors) lines.push_back("left behind: " + sentence(survivor));
    for (auto& finding : report.findings) {
        if (finding.id.starts_with(fmt::format("{}-", node_probe_name))) continue; // said at the start
        lines.push_back(fmt::format("{}: {}", name_of(finding.level), sentence(finding)));
    }
    if (!report.log_dir.empty()) lines.push_back("logs of all nodes: " + report.log_dir);
    auto ready = report.ready_s ? fmt::format("ready after {:.1f} s, ", *report.ready_s) : std::string();
    auto count = report.nodes.size(); // of agents that answered
    auto all = std::max(count, report.job_nodes);
    auto where = count == 0 ? std::string()
                            : fmt::format(" on {}{}", count < all ? fmt::format("{} of ", count) : "",
                                          counted(all, "node"));
    lines.push_back(fmt::format("{}{}: {}{:.1f} s in all, exit code {}", report.recipe, where, ready,
                                report.whole_s, report.exit_code));
    if (auto groups = leaf_groups(report); !groups.empty()) lines.push_back(groups);
    return lines;
}

} // namespace railhead
