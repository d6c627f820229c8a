#include "launcher/commands/topology_files.hpp"

#include "launcher/commands/fabric_input.hpp"
#include "launcher/commands/launch_options.hpp"

#include "base/number.hpp"
#include "launcher/commands/inventory.hpp"
#include "launcher/json.hpp"
#include "slurm/conf_file.hpp"
#include "topology/check.hpp"
#include "topology/diff.hpp"
#include "topology/topology_yaml.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <map>
#include <memory>

namespace railhead {
namespace {

struct FileOptions {
    std::string file, other, nodes, slurm_conf;
    std::string slurm = "26.05";
    bool json = false;
};

int check_file(const Context& context, const FileOptions& options) {
    topology::CheckOptions wanted;
    auto release = release_from(options.slurm);
    if (!release) return print_error(release.error());
    wanted.slurm = *release;
    std::vector<Finding> beside;
    std::optional<std::string> plugin;
    if (!options.slurm_conf.empty()) {
        auto conf = read_slurm_conf(options.slurm_conf,
                                    [](const std::string& path) { return read_whole_file(path, ""); });
        if (!conf) return print_error(conf.error());
        beside = topology::check_weights(inventory_of(*conf));
        plugin = conf->value("TopologyPlugin");
        wanted.nodes = std::move(conf->nodes);
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
    if (plugin)
        if (auto other = topology::check_plugin(text->view(), *plugin)) findings.push_back(std::move(*other));
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
    if (options.file == "-" && options.other == "-")
        return print_error({ErrorKind::usage,
                            {.id = "input-twice",
                             .thing = "standard input",
                             .seen = "is given for both files",
                             .expected = "- for one of the two",
                             .next = "name a file for the other one"}});
    auto before = load_topology(options.file);
    if (!before) return print_error(before.error());
    auto now = load_topology(options.other);
    if (!now) return print_error(now.error());
    auto changes = topology::diff(*before, *now);
    if (options.json) {
        using Kind = topology::Change::Kind;
        const std::map<Kind, const char*> names{
            {Kind::moved, "moved"},     {Kind::added, "added"}, {Kind::removed, "removed"},
            {Kind::renamed, "renamed"}, {Kind::upper, "upper"}, {Kind::block_sizes, "block_sizes"}};
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

std::shared_ptr<FileOptions> add_file(CLI::App& command, const char* described) {
    auto options = std::make_shared<FileOptions>();
    command.add_option("FILE", options->file, described)->required();
    command.add_flag("--json", options->json, "Print one JSON document")->disable_flag_override();
    return options;
}

} // namespace

Result<topology::TopologyConf> load_topology(const std::string& path) {
    auto text = text_of_input(path);
    if (!text) return tl::unexpected(text.error());
    auto conf = topology::read_any_topology(text->view());
    if (!conf) return tl::unexpected(std::move(conf.error()).within(path == "-" ? "standard input" : path));
    return conf;
}

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
}

} // namespace railhead
