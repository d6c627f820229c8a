#include "launcher/commands/fabric_input.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/commands/topology_files.hpp"

#include "launcher/json.hpp"
#include "topology/blocks.hpp"
#include "topology/switch_names.hpp"
#include "topology/switch_tree.hpp"
#include "topology/topology_yaml.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <set>

namespace railhead {
namespace {

struct GenerateOptions {
    FabricOptions fabric;
    std::string to = "tree", slurm;
    std::uint32_t block_size = 0;
    bool separate = false, json = false;
};

std::string name_of_switch(const topology::Fabric& fabric, std::uint32_t device) {
    return topology::switch_name_from(fabric.devices[device].description, fabric.devices[device].guid);
}

nlohmann::json json_of_groups(const FabricMap& input) {
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
    return groups;
}

/// The leaves of groups, and those that several groups share.
nlohmann::json json_of_planes(const FabricMap& input) {
    std::vector<std::uint32_t> compute;
    for (const auto& group : input.map.groups)
        for (const auto& rail : group.rails)
            compute.insert(compute.end(), rail.switches.begin(), rail.switches.end());
    auto plane = [&](const char* name, const std::vector<std::uint32_t>& leaves) {
        auto names = nlohmann::json::array();
        for (auto leaf : leaves) names.push_back(name_of_switch(input.fabric, leaf));
        return nlohmann::json{{"name", name}, {"leaves", std::move(names)}};
    };
    return nlohmann::json::array({plane("compute", compute), plane("storage", input.map.storage_leaves),
                                  plane("management", input.map.management_leaves)});
}

/// The dearest cables first, behind what the sources say.
std::vector<Finding> all_findings(const FabricInput& input) {
    auto findings = input.findings;
    for (const auto& found : input.cabling) findings.push_back(found.finding);
    return findings;
}

std::vector<topology::SwitchLine> tree_from(const FabricInput& input, bool separate) {
    return topology::switch_tree_of(
        input.hosts, input.map,
        {.nodes = input.nodes, .partition_of = input.partition_of, .separate_fabrics = separate});
}

nlohmann::json json_of(const FabricInput& input, bool separate) {
    auto tiers = nlohmann::json::array();
    for (const auto& tier : input.map.tiers) {
        auto units = nlohmann::json::array();
        for (const auto& name : tier.names)
            units.push_back({{"name", name}, {"groups", nlohmann::json::array()}});
        for (std::size_t group = 0; group < tier.of_group.size(); ++group)
            units[tier.of_group[group]]["groups"].push_back(input.map.groups[group].name);
        tiers.push_back(std::move(units));
    }
    auto loose = nlohmann::json::array(), domains = nlohmann::json::array(), tree = nlohmann::json::array();
    for (const auto& line : tree_from(input, separate))
        tree.push_back({{"name", line.name}, {"nodes", line.nodes}, {"switches", line.switches}});
    for (auto host : input.map.loose_hosts) loose.push_back(input.hosts.hosts[host].name);
    if (input.domains)
        for (const auto& group : json_of_groups(*input.domains))
            domains.push_back({{"name", group["name"]}, {"nodes", group["nodes"]}});
    return {{"v", 1},
            {"leaf_groups", json_of_groups(input)},
            {"pods", tiers.empty() ? nlohmann::json::array() : tiers.front()},
            {"tiers", tiers},
            {"tree", std::move(tree)},
            {"planes", json_of_planes(input)},
            {"nodes_without_leaf", std::move(loose)},
            {"nvlink_domains", std::move(domains)},
            {"findings", json_of_findings(all_findings(input))}};
}

Result<void> can_be_separate(const GenerateOptions& options) {
    if (!options.separate || (options.to != "block" && options.to != "hosts")) return {};
    return fail(ErrorKind::usage, {.id = "separate-fabrics",
                                   .thing = "--separate-fabrics",
                                   .seen = "means nothing with --to " + options.to,
                                   .expected = "--to tree, yaml or json"});
}

Result<void> can_have_blocks(const GenerateOptions& options) {
    if (options.block_size == 0 || options.to == "block" || options.to == "yaml") return {};
    return fail(ErrorKind::usage,
                {.id = "block-size",
                 .thing = "--block-size",
                 .seen = "means nothing with " + (options.json ? "--json" : "--to " + options.to),
                 .expected = "--to block or --to yaml"});
}

Result<void> can_be_read_by(const GenerateOptions& options) {
    if (options.slurm.empty()) return {};
    auto release = release_from(options.slurm);
    if (!release) return tl::unexpected(release.error());
    auto first = options.to == "block"  ? topology::first_with_blocks
                 : options.to == "yaml" ? topology::first_with_yaml
                                        : 0;
    if (*release >= first) return {};
    return fail(ErrorKind::usage,
                {.id = "slurm-version",
                 .thing = "--to " + options.to,
                 .seen = fmt::format("is nothing that Slurm {} reads", options.slurm),
                 .expected = fmt::format("{}.{:02} or later", first / 100, first % 100),
                 .next = options.to == "yaml" ? "use --to tree or --to block" : "use --to tree"});
}

/// NVLink domains where a source tells them, else a block for each leaf group.
topology::Blocks blocks_from(const FabricInput& input, const GenerateOptions& options) {
    topology::BlockOptions wanted{.nodes = input.nodes, .base = options.block_size, .order = {}};
    if (!input.domains) return topology::blocks_of(input.hosts, input.map, wanted);
    for (const auto& group : input.map.groups)
        for (auto host : group.hosts) wanted.order.emplace_back(input.hosts.hosts[host].name);
    if (wanted.nodes.empty())
        for (const auto& host : input.hosts.hosts) wanted.nodes.emplace_back(host.name);
    return topology::blocks_of(input.domains->hosts, input.domains->map, wanted);
}

/// Where NVLink is all that is known: else a tree is the default topology, for it has all nodes.
bool are_all_in_blocks(const FabricInput& input, const GenerateOptions& options,
                       const std::vector<topology::SwitchLine>& tree) {
    if (!input.is_domains) return false;
    std::set<std::string> in_blocks;
    for (const auto& block : blocks_from(input, options).lines)
        in_blocks.insert(block.nodes.begin(), block.nodes.end());
    return std::all_of(tree.begin(), tree.end(), [&](const topology::SwitchLine& line) {
        return std::all_of(line.nodes.begin(), line.nodes.end(),
                           [&](const std::string& node) { return in_blocks.contains(node); });
    });
}

int print_blocks(const topology::Blocks& blocks, const std::string& text) {
    say(blocks.findings);
    if (blocks.lines.empty())
        return print_error({ErrorKind::usage,
                            {.id = "no-blocks",
                             .thing = "the fabric",
                             .seen = "has no block that is large enough",
                             .next = "use --to tree, or a smaller --block-size"}});
    fmt::print("{}", text);
    return 0;
}

int generate(const Context& context, const GenerateOptions& options) {
    if (auto can = can_be_read_by(options); !can) return print_error(can.error());
    for (auto can : {can_have_blocks(options), can_be_separate(options)})
        if (!can) return print_error(can.error());
    const bool as_json = options.json || options.to == "json";
    auto input = load_fabric(context.environment, options.fabric, as_json);
    if (!input) return print_error(input.error());
    if (as_json) {
        fmt::print("{}\n", json_text(json_of(*input, options.separate), 2));
        return say(input->findings, true);
    }
    const int status = say(input->findings);
    auto tree = tree_from(*input, options.separate);
    if (options.to == "block" || (options.to == "yaml" && are_all_in_blocks(*input, options, tree))) {
        auto blocks = blocks_from(*input, options);
        return std::max(
            status, print_blocks(blocks, options.to == "block"
                                             ? topology::topology_conf(blocks)
                                             : "---\n" + topology::topology_yaml(blocks, "default", true)));
    }
    if (options.to == "hosts") {
        for (const auto& line : tree)
            for (const auto& node : line.nodes) fmt::print("{}\n", node);
    } else if (options.to == "yaml") {
        auto text = "---\n" + topology::topology_yaml(tree, "default", true);
        if (input->domains || input->is_domains) {
            auto blocks = blocks_from(*input, options);
            return std::max(status,
                            print_blocks(blocks, text + topology::topology_yaml(blocks, "nvlink", false)));
        }
        fmt::print("{}", text);
    } else {
        fmt::print("{}", topology::topology_conf(tree));
    }
    return status;
}

} // namespace

void add_topology_generate(CLI::App& command, Context& context) {
    auto* generate_command = command.add_subcommand("generate", "Print the topology file of a fabric");
    auto wanted = std::make_shared<GenerateOptions>();
    add_fabric_options(*generate_command, wanted->fabric);
    wanted->fabric.only_compute = true;
    auto* to =
        generate_command
            ->add_option("--to", wanted->to,
                         "tree or block (topology.conf), yaml (topology.yaml), hosts (in rank order) or json")
            ->check(CLI::IsMember({"tree", "block", "yaml", "hosts", "json"}));
    generate_command->add_option("--slurm", wanted->slurm, "The release that is to read the file")
        ->type_name("VERSION");
    generate_command
        ->add_option("--block-size", wanted->block_size,
                     "Nodes of a base block; smaller blocks are left out; default: the smallest block's")
        ->type_name("N")
        ->check(CLI::Range(1, 65535));
    generate_command
        ->add_flag("--separate-fabrics", wanted->separate, "Let no job span fabrics that no cable joins")
        ->disable_flag_override();
    generate_command->add_flag("--json", wanted->json, "The same as --to json")
        ->disable_flag_override()
        ->excludes(to);
    generate_command->callback([&context, wanted] { context.exit_code = generate(context, *wanted); });
}

} // namespace railhead
