#include "launcher/commands/topology_files.hpp"

#include "launcher/commands/fabric_input.hpp"
#include "launcher/commands/launch_options.hpp"

#include "base/number.hpp"
#include "launcher/commands/inventory.hpp"
#include "launcher/json.hpp"
#include "launcher/supervisor/ask_slurm.hpp"
#include "slurm/conf_file.hpp"
#include "topology/check.hpp"
#include "topology/diff.hpp"
#include "topology/placement.hpp"
#include "topology/topology_yaml.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <map>
#include <memory>

namespace railhead {
namespace {

struct FileOptions {
    std::string file, other, nodes, job, slurm_conf;
    std::string slurm = "26.05";
    bool json = false;
};

Result<topology::TopologyConf> load_conf(const std::string& path) {
    auto text = text_of_input(path);
    if (!text) return tl::unexpected(text.error());
    auto conf = topology::read_any_topology(text->view());
    if (!conf) return tl::unexpected(std::move(conf.error()).within(path == "-" ? "standard input" : path));
    return conf;
}

int check_file(const Context& context, const FileOptions& options) {
    topology::CheckOptions wanted;
    auto release = release_from(options.slurm);
    if (!release) return print_error(release.error());
    wanted.slurm = *release;
    std::vector<Finding> beside;
    if (!options.slurm_conf.empty()) {
        auto conf = read_slurm_conf(options.slurm_conf,
                                    [](const std::string& path) { return read_whole_file(path, ""); });
        if (!conf) return print_error(conf.error());
        wanted.nodes = conf->nodes;
    } else if (options.nodes == "slurm") {
        auto inventory = inventory_for(context.environment, "");
        if (!inventory) return print_error(std::move(inventory.error()).within("--nodes slurm"));
        wanted.nodes = names_of(*inventory);
        beside = topology::check_weights(*inventory);
    } else if (!options.nodes.empty()) {
        auto nodes = node_names_from(context.environment, options.nodes);
        if (!nodes) return print_error(nodes.error());
        wanted.nodes = std::move(*nodes);
    }
    auto text = text_of_input(options.file);
    if (!text) return print_error(text.error());
    auto checked = topology::check_text(text->view(), wanted);
    if (!checked)
        return print_error(
            std::move(checked.error()).within(options.file == "-" ? "standard input" : options.file));
    auto findings = std::move(*checked);
    findings.insert(findings.end(), beside.begin(), beside.end());
    if (options.json) {
        fmt::print("{}\n", json_text({{"v", 1}, {"findings", json_of_findings(findings)}}, 2));
    } else {
        for (const auto& finding : findings)
            fmt::print("{}: {}: {} [{}]\n", options.file, finding.level == Level::fail ? "error" : "warning",
                       sentence(finding), finding.id);
    }
    return findings.empty() ? 0 : 1;
}

int diff_files(const FileOptions& options) {
    auto before = load_conf(options.file);
    if (!before) return print_error(before.error());
    auto now = load_conf(options.other);
    if (!now) return print_error(now.error());
    auto changes = topology::diff(*before, *now);
    if (options.json) {
        using Kind = topology::Change::Kind;
        const std::map<Kind, const char*> names{{Kind::moved, "moved"},
                                                {Kind::added, "added"},
                                                {Kind::removed, "removed"},
                                                {Kind::renamed, "renamed"},
                                                {Kind::upper, "upper"}};
        auto list = nlohmann::json::array();
        for (const auto& change : changes)
            list.push_back({{"kind", names.at(change.kind)},
                            {"nodes", change.nodes},
                            {"from", change.from},
                            {"to", change.to},
                            {"sentence", topology::sentence(change)}});
        fmt::print("{}\n", json_text({{"v", 1}, {"changes", std::move(list)}}, 2));
    } else {
        for (const auto& change : changes) fmt::print("{}\n", topology::sentence(change));
    }
    return changes.empty() ? 0 : 1;
}

/// The groups of a topology file, each with the switch above it.
topology::Placed placed_from(const topology::TopologyConf& conf) {
    topology::Placed placed;
    std::map<std::string_view, std::string_view> parent;
    for (const auto& one : conf.switches)
        for (const auto& child : one.switches) parent[child] = one.name;
    auto leaves = topology::leaves_of(conf);
    for (const auto& leaf : leaves.leaves) {
        auto above = parent.find(leaf);
        placed.groups.push_back({leaf, above == parent.end() ? leaf : std::string(above->second), {}});
    }
    for (const auto& [node, leaf] : leaves.nodes) placed.groups[leaf].nodes.push_back(node);
    return placed;
}

nlohmann::json json_of(const topology::Score& score) {
    auto spread = nlohmann::json::object();
    for (const auto& [group, nodes] : score.spread) spread[group] = nodes;
    return {{"v", 1},
            {"nodes", score.nodes},
            {"nodes_unknown", score.unknown},
            {"groups", score.groups},
            {"groups_least", score.least_groups},
            {"pods", score.pods},
            {"pods_least", score.least_pods},
            {"ring_edges_between_groups", score.ring_edges},
            {"ring_edges_least", score.least_ring_edges},
            {"all_to_all_between_groups", score.all_to_all},
            {"nodes_by_group", std::move(spread)}};
}

/// Of all components, in the order of their ranks.
Result<std::vector<std::string>> nodes_of_job(const Environment& environment, const std::string& job) {
    auto components = ask_for_job(environment, job);
    if (!components) return tl::unexpected(components.error());
    std::vector<std::string> nodes;
    for (const auto& component : *components)
        nodes.insert(nodes.end(), component.nodes.begin(), component.nodes.end());
    if (!nodes.empty()) return nodes;
    return fail(ErrorKind::usage, {.id = "job-nodes",
                                   .thing = "job " + job,
                                   .seen = "is " + components->front().state + " and has no nodes"});
}

int score_nodes(const Context& context, const FileOptions& options) {
    if (options.nodes.empty() && options.job.empty())
        return print_error({ErrorKind::usage,
                            {.id = "score-nodes",
                             .thing = "score",
                             .seen = "has no nodes",
                             .next = "give --nodes or --job"}});
    auto nodes = options.job.empty() ? node_names_from(context.environment, options.nodes)
                                     : nodes_of_job(context.environment, options.job);
    if (!nodes) return print_error(nodes.error());
    auto conf = load_conf(options.file);
    if (!conf) return print_error(conf.error());
    auto score = topology::score(placed_from(*conf), *nodes);
    if (options.json) {
        fmt::print("{}\n", json_text(json_of(score), 2));
        return 0;
    }
    fmt::print("{} nodes in {} leaf groups (at least {}) and {} pods (at least {})\n",
               score.nodes - score.unknown, score.groups, score.least_groups, score.pods, score.least_pods);
    fmt::print("a ring over them crosses groups {} times (at least {}); of all pairs {:.1f} % are in "
               "different groups\n",
               score.ring_edges, score.least_ring_edges, score.all_to_all * 100);
    for (const auto& [group, count] : score.spread) fmt::print("  {:<24} {:>6}\n", group, count);
    if (score.unknown > 0) fmt::print("{} nodes are in no group\n", score.unknown);
    return 0;
}

int order_nodes(const Context& context, const FileOptions& options) {
    auto nodes = node_names_from(context.environment, options.nodes);
    if (!nodes) return print_error(nodes.error());
    auto conf = load_conf(options.file);
    if (!conf) return print_error(conf.error());
    auto ordered = topology::rank_order(placed_from(*conf), *nodes);
    if (options.json) {
        fmt::print("{}\n", json_text({{"v", 1}, {"nodes", ordered}}, 2));
        return 0;
    }
    for (const auto& node : ordered) fmt::print("{}\n", node);
    return 0;
}

std::shared_ptr<FileOptions> add_file(CLI::App& command, const char* described) {
    auto options = std::make_shared<FileOptions>();
    command.add_option("FILE", options->file, described)->required();
    command.add_flag("--json", options->json, "Print one JSON document")->disable_flag_override();
    return options;
}

} // namespace

Result<std::uint32_t> release_from(const std::string& text) {
    auto year = leading_number<std::uint32_t>(text);
    auto dot = text.find('.');
    auto month = dot == text.npos ? std::nullopt
                                  : leading_number<std::uint32_t>(std::string_view(text).substr(dot + 1));
    if (!year || !month || *year < 20 || *year > 99 || *month < 1 || *month > 12)
        return fail(ErrorKind::usage, {.id = "slurm-version",
                                       .thing = "--slurm " + text,
                                       .seen = "is no release",
                                       .expected = "one such as 24.11"});
    return *year * 100 + *month;
}

void add_topology_files(CLI::App& command, Context& context) {
    constexpr auto* a_file = "A topology.conf or topology.yaml; -: standard input";
    auto* check_command =
        command.add_subcommand("check", "Say what Slurm would refuse or misunderstand in a topology file");
    auto check_options = add_file(*check_command, a_file);
    check_command->add_option("--slurm", check_options->slurm, "The release whose rules hold")
        ->type_name("VERSION");
    auto* of_slurm =
        check_command
            ->add_option("--nodes", check_options->nodes,
                         "All nodes that Slurm has, to compare with; slurm: ask the running controller")
            ->type_name("HOSTLIST");
    check_command
        ->add_option("--slurm-conf", check_options->slurm_conf,
                     "A slurm.conf whose nodes are all that Slurm has")
        ->type_name("PATH")
        ->excludes(of_slurm);
    check_command->callback(
        [&context, check_options] { context.exit_code = check_file(context, *check_options); });

    auto* diff_command = command.add_subcommand("diff", "Say which nodes move between which groups");
    auto diff_options = add_file(*diff_command, "The topology.conf that was; -: standard input");
    diff_command->add_option("NEW", diff_options->other, "The one that will be; -: standard input")
        ->required();
    diff_command->callback([&context, diff_options] { context.exit_code = diff_files(*diff_options); });

    auto* score_command = command.add_subcommand("score", "Say how close nodes are to each other");
    auto score_options = add_file(*score_command, a_file);
    auto* of_nodes =
        score_command->add_option("--nodes", score_options->nodes, "The nodes, in the order of their ranks")
            ->type_name("HOSTLIST");
    score_command->add_option("--job", score_options->job, "The nodes of a running job")
        ->type_name("JOBID")
        ->excludes(of_nodes);
    score_command->callback(
        [&context, score_options] { context.exit_code = score_nodes(context, *score_options); });

    auto* order_command =
        command.add_subcommand("order", "Print nodes so that a ring over them leaves groups least often");
    auto order_options = add_file(*order_command, a_file);
    order_command->add_option("--nodes", order_options->nodes, "The nodes")
        ->required()
        ->type_name("HOSTLIST");
    order_command->callback(
        [&context, order_options] { context.exit_code = order_nodes(context, *order_options); });
}

} // namespace railhead
