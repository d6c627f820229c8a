#include "launcher/commands/fabric_input.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/commands/topology_files.hpp"

#include "launcher/json.hpp"
#include "slurm/hostlist.hpp"
#include "topology/cabling.hpp"
#include "topology/draw.hpp"
#include "topology/switch_names.hpp"
#include "topology/switch_tree.hpp"
#include "topology/synth.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <memory>

namespace railhead {
namespace {

struct GenerateOptions {
    FabricOptions fabric;
    std::string to = "tree";
    bool separate = false, json = false;
};

constexpr std::size_t most_marked = 100'000;

struct DrawOptions {
    FabricOptions fabric;
    std::string mark;
};

struct ReportOptions {
    FabricOptions fabric;
    bool json = false;
};

void say(const std::vector<Finding>& findings) {
    for (const auto& finding : findings)
        fmt::print(stderr, "railhead: {}: {} [{}]\n", finding.level == Level::info ? "note" : "warning",
                   sentence(finding), finding.id);
}

nlohmann::json json_of(const std::vector<Finding>& findings) {
    auto list = nlohmann::json::array();
    for (const auto& finding : findings) {
        list.push_back(finding);
        list.back()["sentence"] = sentence(finding);
    }
    return list;
}

std::string name_of_switch(const topology::Fabric& fabric, std::uint32_t device) {
    return topology::switch_name_from(fabric.devices[device].description, fabric.devices[device].guid);
}

nlohmann::json json_of(const FabricInput& input) {
    auto groups = nlohmann::json::array();
    for (const auto& group : input.map.groups) {
        auto nodes = nlohmann::json::array(), rails = nlohmann::json::array();
        for (auto host : group.hosts) nodes.push_back(input.hosts.hosts[host].name);
        for (const auto& rail : group.rails) {
            auto switches = nlohmann::json::array();
            for (auto leaf : rail.switches) switches.push_back(name_of_switch(input.fabric, leaf));
            rails.push_back({{"device", rail.device}, {"switches", std::move(switches)}});
        }
        groups.push_back({{"name", group.name}, {"nodes", std::move(nodes)}, {"rails", std::move(rails)}});
    }
    auto tiers = nlohmann::json::array();
    for (const auto& tier : input.map.tiers) {
        auto units = nlohmann::json::array();
        for (const auto& name : tier.names)
            units.push_back({{"name", name}, {"groups", nlohmann::json::array()}});
        for (std::size_t group = 0; group < tier.of_group.size(); ++group)
            units[tier.of_group[group]]["groups"].push_back(input.map.groups[group].name);
        tiers.push_back(std::move(units));
    }
    auto shared = nlohmann::json::array(), loose = nlohmann::json::array();
    for (auto leaf : input.map.shared_leaves) shared.push_back(name_of_switch(input.fabric, leaf));
    for (auto host : input.map.loose_hosts) loose.push_back(input.hosts.hosts[host].name);
    return {{"v", 1},
            {"leaf_groups", std::move(groups)},
            {"tiers", std::move(tiers)},
            {"shared_leaves", std::move(shared)},
            {"nodes_without_leaf", std::move(loose)},
            {"findings", json_of(input.findings)}};
}

int generate(const GenerateOptions& options) {
    auto input = load_fabric(options.fabric);
    if (!input) return print_error(input.error());
    if (options.json || options.to == "json") {
        fmt::print("{}\n", json_text(json_of(*input), 2));
        return 0;
    }
    say(input->findings);
    auto tree = topology::switch_tree_of(input->hosts, input->map,
                                         {.nodes = input->nodes, .separate_fabrics = options.separate});
    if (options.to == "hosts") {
        for (const auto& line : tree)
            for (const auto& node : line.nodes) fmt::print("{}\n", node);
        return 0;
    }
    fmt::print("{}", options.to == "yaml" ? topology::topology_yaml(tree) : topology::topology_conf(tree));
    return 0;
}

int report(const ReportOptions& options) {
    auto input = load_fabric(options.fabric);
    if (!input) return print_error(input.error());
    auto findings = topology::cabling_findings(input->fabric, input->hosts, input->map);
    bool clean = true;
    for (const auto& [finding, cost] : findings) clean = clean && finding.level == Level::info;
    for (const auto& finding : input->findings) clean = clean && finding.level == Level::info;
    if (options.json) {
        auto list = json_of(input->findings);
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

int draw(const DrawOptions& options) {
    auto input = load_fabric(options.fabric);
    if (!input) return print_error(input.error());
    auto marked = expand_hostlist(options.mark, most_marked);
    if (!marked) return print_error(std::move(marked.error()).within("--mark"));
    auto findings = topology::cabling_findings(input->fabric, input->hosts, input->map);
    fmt::print("{}", topology::draw(input->fabric, input->hosts, input->map, findings, *marked));
    return 0;
}

int synth(const topology::Synth& wanted) {
    auto text = topology::synthesize(wanted);
    if (!text) return print_error(text.error());
    fmt::print("{}", *text);
    return 0;
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
    synth_command
        ->add_option("--storage", wanted->storage, "Storage servers, on two leaves that all nodes share")
        ->type_name("N");
    synth_command->add_flag("--sharp", wanted->sharp, "An aggregation node on every switch")
        ->disable_flag_override();
    synth_command->add_option("--names", wanted->names, "How adapters are named: mlx5, hca, vendor or none");
    synth_command->add_option("--host", wanted->host, "The text in front of a node's number");
    synth_command->add_option("--seed", wanted->seed, "Where the faults are")->type_name("N");
    synth_command->add_option("--fault", wanted->faults, "KIND or KIND:COUNT; may be given several times")
        ->expected(1)
        ->type_name("FAULT");
    synth_command->callback([&context, wanted] { context.exit_code = synth(*wanted); });
}

} // namespace

void add_topology(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("topology", "Slurm's topology file from the real fabric");
    command->require_subcommand(1);
    auto* generate_command = command->add_subcommand("generate", "Print the topology file of a fabric");
    auto wanted = std::make_shared<GenerateOptions>();
    add_fabric_options(*generate_command, wanted->fabric);
    generate_command
        ->add_option("--to", wanted->to,
                     "tree (topology.conf), yaml (topology.yaml), hosts (in rank order) or json")
        ->check(CLI::IsMember({"tree", "yaml", "hosts", "json"}));
    generate_command
        ->add_flag("--separate-fabrics", wanted->separate, "Let no job span fabrics that no cable joins")
        ->disable_flag_override();
    generate_command->add_flag("--json", wanted->json, "The same as --to json")->disable_flag_override();
    generate_command->callback([&context, wanted] { context.exit_code = generate(*wanted); });
    auto* report_command =
        command->add_subcommand("report", "Say what is wrong with the cabling, the dearest first");
    auto asked = std::make_shared<ReportOptions>();
    add_fabric_options(*report_command, asked->fabric);
    report_command->add_flag("--json", asked->json, "Print one JSON document")->disable_flag_override();
    report_command->callback([&context, asked] { context.exit_code = report(*asked); });
    auto* draw_command = command->add_subcommand("draw", "Print a picture of the fabric, as SVG");
    auto drawn = std::make_shared<DrawOptions>();
    add_fabric_options(*draw_command, drawn->fabric);
    draw_command->add_option("--mark", drawn->mark, "Nodes to be highlighted, a job's for example")
        ->type_name("HOSTLIST");
    draw_command->callback([&context, drawn] { context.exit_code = draw(*drawn); });
    add_topology_files(*command, context);
    add_synth(*command, context);
}

} // namespace railhead
