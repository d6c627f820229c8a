#include "launcher/commands/fabric_input.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/commands/topology_files.hpp"

#include "launcher/json.hpp"
#include "slurm/hostlist.hpp"
#include "topology/burn_in.hpp"
#include "topology/draw.hpp"
#include "topology/synth.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <memory>
#include <set>

namespace railhead {
namespace {

constexpr std::size_t most_marked = 100'000;
constexpr std::size_t most_unknown = 10; ///< nodes in a sentence

struct DrawOptions {
    FabricOptions fabric;
    std::string mark;
    bool json = false;
};

struct ReportOptions {
    FabricOptions fabric;
    bool json = false, burn_in = false;
};

int print_pairs(const FabricInput& input, bool as_json) {
    auto pairs = topology::burn_in_pairs(input.fabric, input.hosts, input.map);
    if (as_json) {
        fmt::print("{}\n", json_text({{"v", 1}, {"pairs", pairs}}, 2));
        return 0;
    }
    for (auto [one, other] : pairs) fmt::print("{} {}\n", one, other);
    return 0;
}

int report(const Context& context, const ReportOptions& options) {
    auto wanted = options.fabric;
    wanted.only_compute = options.burn_in;
    auto input = load_fabric(context.environment, wanted, !options.burn_in);
    if (!input) return print_error(input.error());
    if (options.burn_in) return print_pairs(*input, options.json);
    const auto& findings = input->cabling;
    bool clean = true;
    for (const auto& [finding, cost] : findings) clean = clean && finding.level == Level::info;
    for (const auto& finding : input->findings) clean = clean && finding.level == Level::info;
    if (options.json) {
        auto list = json_of_findings(input->findings);
        for (const auto& [finding, cost] : findings) {
            list.push_back(finding);
            list.back()["sentence"] = sentence(finding);
            list.back()["cost_gbps"] = cost;
        }
        fmt::print("{}\n", json_text({{"v", 1}, {"findings", std::move(list)}}, 2));
        return clean ? 0 : 1;
    }
    for (const auto& finding : input->findings) fmt::print("{} [{}]\n", sentence(finding), finding.id);
    for (const auto& [finding, cost] : findings) fmt::print("{} [{}]\n", sentence(finding), finding.id);
    return clean ? 0 : 1;
}

void say_unknown(const FabricInput& input, const std::vector<std::string>& marked) {
    std::set<std::string_view> there;
    for (const auto& host : input.hosts.hosts) there.insert(host.name);
    std::vector<std::string> unknown;
    for (const auto& node : marked)
        if (!there.contains(node)) unknown.push_back(node);
    if (unknown.empty()) return;
    fmt::print(stderr,
               "railhead: warning: {} of {} nodes of --mark ({}) {} not in the picture [node-unknown]\n",
               unknown.size(), marked.size(), compress_hostlist(unknown, most_unknown),
               unknown.size() == 1 ? "is" : "are");
}

/// `text` is what is printed without --json; `name` its key.
void print_text(const char* name, const std::string& text, bool as_json) {
    if (as_json)
        fmt::print("{}\n", json_text({{"v", 1}, {name, text}}, 2));
    else
        fmt::print("{}", text);
}

int draw(const Context& context, const DrawOptions& options) {
    auto input = load_fabric(context.environment, options.fabric, true);
    if (!input) return print_error(input.error());
    auto marked = expand_hostlist(options.mark, most_marked);
    if (!marked) return print_error(std::move(marked.error()).within("--mark"));
    say_unknown(*input, *marked);
    print_text("svg", topology::draw(input->fabric, input->hosts, input->map, input->cabling, *marked),
               options.json);
    return say(input->findings, true);
}

int synth(const topology::Synth& wanted, bool as_json) {
    auto text = topology::synthesize(wanted);
    if (!text) return print_error(text.error());
    print_text("ibnetdiscover", *text, as_json);
    return say(topology::synth_findings(wanted));
}

void add_synth(CLI::App& command, Context& context) {
    auto* synth_command =
        command.add_subcommand("synth", "Print a fabric that does not exist, as ibnetdiscover would");
    auto wanted = std::make_shared<topology::Synth>();
    synth_command->add_option("--nodes", wanted->nodes, "Number of nodes")->type_name("N");
    synth_command->add_option("--rails", wanted->rails, "Adapters of a node, each on a leaf of its own")
        ->type_name("N");
    synth_command->add_option("--unit", wanted->unit, "Nodes of a scalable unit, which has one leaf a rail")
        ->type_name("N");
    synth_command->add_option("--pod-units", wanted->pod_units, "Units of a pod; 0: one pod, no cores")
        ->type_name("N");
    synth_command->add_option("--spines", wanted->spines, "Spines of a pod")->type_name("N");
    synth_command->add_option("--cores", wanted->cores, "Cores that join pods")->type_name("N");
    synth_command->add_option("--zone-pods", wanted->zone_pods, "Pods of a zone; 0: one zone, no tops")
        ->type_name("N");
    synth_command->add_option("--tops", wanted->tops, "Top switches that join zones")->type_name("N");
    synth_command
        ->add_option("--planes", wanted->planes,
                     "Fabrics that no cable joins, over which the rails are dealt in turn")
        ->type_name("N");
    synth_command
        ->add_option("--storage", wanted->storage, "Storage servers, on two leaves that all nodes share")
        ->type_name("N");
    synth_command->add_flag("--sharp", wanted->sharp, "An aggregation node on every switch")
        ->disable_flag_override();
    synth_command->add_option("--names", wanted->names, "How adapters are named: mlx5, hca, vendor or none");
    synth_command->add_option("--host", wanted->host, "The text in front of a node's number");
    synth_command->add_option("--seed", wanted->seed, "Where the faults are")->type_name("N");
    synth_command->add_option("--fault", wanted->faults, "KIND or KIND:COUNT; may be given several times")
        ->allow_extra_args(false)
        ->type_name("FAULT");
    auto as_json = std::make_shared<bool>(false);
    synth_command->add_flag("--json", *as_json, "Print one JSON document")->disable_flag_override();
    synth_command->callback([&context, wanted, as_json] { context.exit_code = synth(*wanted, *as_json); });
}

} // namespace

void add_topology(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("topology", "Slurm's topology file from the real fabric");
    command->require_subcommand(1);
    add_topology_generate(*command, context);
    auto* report_command =
        command->add_subcommand("report", "Say what is wrong with the cabling, the dearest first");
    auto asked = std::make_shared<ReportOptions>();
    add_fabric_options(*report_command, asked->fabric);
    report_command->add_flag("--json", asked->json, "Print one JSON document")->disable_flag_override();
    report_command
        ->add_flag("--burn-in", asked->burn_in,
                   "Instead, print pairs of nodes between which traffic covers every cable, one on each line")
        ->disable_flag_override();
    report_command->callback([&context, asked] { context.exit_code = report(context, *asked); });
    auto* draw_command = command->add_subcommand("draw", "Print a picture of the fabric, as SVG");
    auto drawn = std::make_shared<DrawOptions>();
    add_fabric_options(*draw_command, drawn->fabric);
    draw_command->add_option("--mark", drawn->mark, "Nodes to be highlighted, a job's for example")
        ->type_name("HOSTLIST");
    draw_command->add_flag("--json", drawn->json, "Print one JSON document")->disable_flag_override();
    draw_command->callback([&context, drawn] { context.exit_code = draw(context, *drawn); });
    add_topology_files(*command, context);
    add_topology_nodes(*command, context);
    add_topology_install(*command, context);
    add_synth(*command, context);
}

} // namespace railhead
