#include "launcher/commands/fabric_input.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/commands/topology_files.hpp"

#include "launcher/json.hpp"
#include "launcher/supervisor/ask_slurm.hpp"
#include "slurm/hostlist.hpp"
#include "topology/rail_spread.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <memory>

namespace railhead {
namespace {

constexpr std::size_t most_named = 10; ///< nodes that are in no group, or a rail is missing on

struct NodesOptions {
    std::string file, nodes, job, form = "list";
    FabricOptions fabric;
    std::uint32_t tasks = 1;
    bool json = false;
};

/// Where nodes are, and on which rails: a topology file does not tell that.
struct Whereabouts {
    topology::Placed placed;
    std::optional<FabricInput> fabric;

    int status() const { return fabric ? say(fabric->findings, true) : 0; }
};

Result<Whereabouts> whereabouts(const Environment& environment, const NodesOptions& options) {
    if (options.file.empty() == options.fabric.from.empty())
        return fail(ErrorKind::usage, {.id = "topology-source",
                                       .thing = options.file.empty() ? "neither a topology file nor --from"
                                                                     : "a topology file beside --from",
                                       .seen = "is given",
                                       .expected = "one of the two"});
    if (!options.file.empty()) {
        auto conf = load_topology(options.file);
        if (!conf) return tl::unexpected(conf.error());
        return Whereabouts{topology::placed_in(*conf), std::nullopt};
    }
    auto fabric = load_fabric(environment, options.fabric);
    if (!fabric) return tl::unexpected(fabric.error());
    auto placed = topology::placed_on(fabric->hosts, fabric->map);
    return Whereabouts{std::move(placed), std::move(*fabric)};
}

std::string in_no_group(const std::vector<std::string>& nodes) {
    return fmt::format("{} node{} in no group: {}", nodes.size(), nodes.size() == 1 ? " is" : "s are",
                       compress_hostlist(nodes, most_named));
}

nlohmann::json json_of(const topology::Score& score, const std::vector<topology::RailSpread>& rails) {
    auto spread = nlohmann::json::object();
    for (const auto& [group, nodes] : score.spread) spread[group] = nodes;
    auto list = nlohmann::json::array();
    for (const auto& rail : rails)
        list.push_back(
            {{"device", rail.device}, {"switches", rail.switches}, {"nodes_without", rail.without}});
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
            {"nodes_by_group", std::move(spread)},
            {"rails", std::move(list)}};
}

void print(const topology::Score& score, const std::vector<topology::RailSpread>& rails) {
    fmt::print("{} in {} (at least {}) and {} (at least {})\n",
               counted(score.nodes - score.unknown.size(), "node"), counted(score.groups, "leaf group"),
               score.least_groups, counted(score.pods, "pod"), score.least_pods);
    fmt::print("a ring over them crosses groups {} (at least {}); of all pairs {:.1f} % are in "
               "different groups\n",
               counted(score.ring_edges, "time"), score.least_ring_edges, score.all_to_all * 100);
    for (const auto& [group, count] : score.spread) fmt::print("  {:<24} {:>6}\n", group, count);
    if (!score.unknown.empty()) fmt::print("{}\n", in_no_group(score.unknown));
    for (const auto& rail : rails) {
        fmt::print("  {:<24} {:>6} leaf switch{}", rail.device.empty() ? "(no name)" : rail.device,
                   rail.switches, rail.switches == 1 ? "" : "es");
        if (!rail.without.empty()) fmt::print(", not on it: {}", compress_hostlist(rail.without, most_named));
        fmt::print("\n");
    }
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

int score_nodes(const Context& context, const NodesOptions& options) {
    if (options.nodes.empty() && options.job.empty())
        return print_error({ErrorKind::usage,
                            {.id = "score-nodes",
                             .thing = "score",
                             .seen = "has no nodes",
                             .next = "give --nodes or --job"}});
    auto nodes = options.job.empty() ? node_names_from(context.environment, options.nodes)
                                     : nodes_of_job(context.environment, options.job);
    if (!nodes) return print_error(nodes.error());
    auto where = whereabouts(context.environment, options);
    if (!where) return print_error(where.error());
    auto score = topology::score(where->placed, *nodes);
    std::vector<topology::RailSpread> rails;
    if (where->fabric) rails = topology::rail_spread(where->fabric->hosts, where->fabric->map, *nodes);
    if (options.json)
        fmt::print("{}\n", json_text(json_of(score, rails), 2));
    else
        print(score, rails);
    return where->status();
}

int order_nodes(const Context& context, const NodesOptions& options) {
    auto nodes = node_names_from(context.environment, options.nodes);
    if (!nodes) return print_error(nodes.error());
    auto where = whereabouts(context.environment, options);
    if (!where) return print_error(where.error());
    auto ordered = topology::rank_order(where->placed, *nodes);
    if (auto unknown = topology::score(where->placed, *nodes).unknown; !unknown.empty())
        fmt::print(stderr, "railhead: warning: {}; {} last [node-unknown]\n", in_no_group(unknown),
                   unknown.size() == 1 ? "it comes" : "they come");
    if (options.json) {
        fmt::print("{}\n", json_text({{"v", 1}, {"nodes", ordered}}, 2));
        return where->status();
    }
    for (const auto& node : ordered) {
        if (options.form == "slots")
            fmt::print("{} slots={}\n", node, options.tasks);
        else
            for (std::uint32_t task = 0; task < options.tasks; ++task) fmt::print("{}\n", node);
    }
    return where->status();
}

std::shared_ptr<NodesOptions> add_nodes(CLI::App& command) {
    auto options = std::make_shared<NodesOptions>();
    command.add_option("FILE", options->file, "A topology.conf or topology.yaml; -: standard input");
    add_source_options(command, options->fabric);
    for (const auto* of_fabric : {"--map", "--plane"}) command.get_option(of_fabric)->needs("--from");
    command.add_flag("--json", options->json, "Print one JSON document")->disable_flag_override();
    return options;
}

} // namespace

void add_topology_nodes(CLI::App& command, Context& context) {
    auto* score_command = command.add_subcommand("score", "Say how close nodes are to each other");
    auto score_options = add_nodes(*score_command);
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
    auto order_options = add_nodes(*order_command);
    order_command->add_option("--nodes", order_options->nodes, "The nodes")
        ->required()
        ->type_name("HOSTLIST");
    auto* json = order_command->get_option("--json");
    order_command
        ->add_option(
            "--form", order_options->form,
            "list: a line for each task, as SLURM_HOSTFILE wants it; slots: a line for each node with "
            "slots=N, for mpirun and DeepSpeed")
        ->check(CLI::IsMember({"list", "slots"}))
        ->excludes(json);
    order_command->add_option("--tasks-per-node", order_options->tasks, "Tasks on each node")
        ->type_name("N")
        ->check(CLI::Range(1, 4096))
        ->excludes(json);
    order_command->callback(
        [&context, order_options] { context.exit_code = order_nodes(context, *order_options); });
}

} // namespace railhead
