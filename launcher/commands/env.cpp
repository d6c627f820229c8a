#include "base/number.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/hello.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/json.hpp"
#include "preflight/rails.hpp"
#include "slurm/hostlist.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <memory>

namespace railhead {
namespace {

constexpr std::size_t most_adapters = 1024, longest_conf = 1 << 16;

/// What a file of "NAME=VALUE" lines sets, such as nccl.conf (NCCL's user guide, "Environment variables").
bool sets(const std::string& file, std::string_view name) {
    const auto text = read_text(file, longest_conf).value_or("");
    for (std::size_t begin = 0; begin < text.size();) {
        auto line =
            std::string_view(text).substr(begin, std::min(text.find('\n', begin), text.size()) - begin);
        begin += line.size() + 1;
        if (line.starts_with(name) && line.substr(name.size()).starts_with('=')) return true;
    }
    return false;
}

/// Where the user or the site has set it already; empty: nowhere.
std::string set_in(const Environment& environment, const std::string& name) {
    if (environment.get(name)) return "the environment";
    if (!name.starts_with("NCCL_")) return {};
    const auto own =
        environment.get("NCCL_CONF_FILE").value_or(environment.get("HOME").value_or("") + "/.nccl.conf");
    for (const auto& file : {own, std::string("/etc/nccl.conf")})
        if (sets(file, name)) return file;
    return {};
}

Result<RailWishes> wishes_of(const Settings& settings) {
    RailWishes wishes{.adapters = {}, .interface = settings.text(Key::launch_interface)};
    const auto& adapters = settings.text(Key::node_adapters);
    if (adapters.empty()) return wishes;
    auto names = expand_hostlist(adapters, most_adapters);
    if (!names) return tl::unexpected(std::move(names.error()).within("node.adapters"));
    wishes.adapters = std::move(*names);
    return wishes;
}

std::vector<RailVariable> variables_for(const Rails& rails, const Environment& environment) {
    auto variables = variables_of_node(rails);
    std::vector<int> gpus;
    for (const auto& gpu : gpus_of(environment)) gpus.push_back(gpu.index);
    const auto cpus = whole_number<std::uint32_t>(environment.get("SLURM_CPUS_PER_TASK").value_or(""));
    for (auto& each : variables_of_task(rails, gpus, cpus)) variables.push_back(std::move(each));
    return variables;
}

nlohmann::json json_of(const Rails& rails, const std::string& node,
                       const std::vector<RailVariable>& variables, const std::vector<LeftOut>& kept) {
    using nlohmann::json;
    auto or_null = [](const std::string& text) { return text.empty() ? json(nullptr) : json(text); };
    json document{{"v", 1}, {"node", node}, {"ports", rails.ports}, {"interface", or_null(rails.interface)}};
    for (const auto* list : {"left_out", "gpus", "variables", "kept"}) document[list] = json::array();
    for (const auto& each : rails.left_out)
        document["left_out"].push_back({{"port", each.name}, {"why", each.why}});
    for (const auto& gpu : rails.gpus)
        document["gpus"].push_back({{"number", gpu.number},
                                    {"address", gpu.address},
                                    {"port", or_null(gpu.port)},
                                    {"why", gpu.why},
                                    {"cpus", or_null(gpu.cpus)}});
    for (const auto& each : variables)
        document["variables"].push_back({{"name", each.name}, {"value", each.value}, {"why", each.why}});
    for (const auto& each : kept) document["kept"].push_back({{"name", each.name}, {"why", each.why}});
    return document;
}

int print_env(const Context& context, bool as_json) {
    auto settings = settings_for(context, {});
    if (!settings) return print_error(settings.error());
    auto wishes = wishes_of(*settings);
    if (!wishes) return print_error(wishes.error());
    const auto rails = rails_of(rail_facts(settings->text(Key::node_root)), *wishes);
    std::vector<RailVariable> variables;
    std::vector<LeftOut> kept;
    for (auto& each : variables_for(rails, context.environment)) {
        if (auto where = set_in(context.environment, each.name); where.empty())
            variables.push_back(std::move(each));
        else
            kept.push_back({each.name, "is set in " + where});
    }
    if (as_json) {
        fmt::print("{}\n", json_text(json_of(rails, node_name(context.environment), variables, kept), 2));
        return 0;
    }
    for (const auto& each : variables) fmt::print("export {}={} # {}\n", each.name, each.value, each.why);
    for (const auto& each : kept) fmt::print("# {} {}, and stays as it is\n", each.name, each.why);
    for (const auto& each : rails.left_out) fmt::print("# {} {}, and is left out\n", each.name, each.why);
    if (rails.ports.empty()) fmt::print("# no RDMA port of this node is ACTIVE and near to a GPU\n");
    return 0;
}

} // namespace

void add_env(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand(
        "env", "Print the variables by which NCCL and UCX use this node's rails, each with its reason");
    auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "Print one JSON document")->disable_flag_override();
    command->callback([&context, json] { context.exit_code = print_env(context, *json); });
}

} // namespace railhead
