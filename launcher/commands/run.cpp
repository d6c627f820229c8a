#include "launcher/commands/launch_options.hpp"
#include "launcher/recipes/groups.hpp"
#include "launcher/recipes/torchrun.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace railhead {
namespace {

struct RunAsked {
    LaunchOptions launch;
    GroupOptions first; ///< group's; without one its per_node is the command's
    std::shared_ptr<std::string> ranks;
};

void add_group_options(CLI::App& command, GroupOptions& first) {
    command
        .add_option("--per-node", first.per_node,
                    "Ranks of each node (default: as many as the job has GPUs there, or one)")
        ->type_name("N")
        ->check(CLI::Range(1, 4096));
    auto* group =
        command
            .add_option("--group", first.group,
                        "Name the command and its nodes: all, 0-1,3 (places in rank order), het:N or "
                        "node names; another group follows: --group NAME=NODES ... -- COMMAND")
            ->type_name("NAME=NODES")
            ->check(CLI::Validator(
                [](const std::string& text) {
                    return std::string(text.empty() ? "expected NAME=NODES, but this is \"\"" : "");
                },
                ""));
    command
        .add_option(
            "--ready", first.ready,
            "What later groups wait for: port:N, http:N/PATH, file:PATH or line:REGEX; the group then "
            "runs until the others have ended")
        ->type_name("KIND:ARG")
        ->needs(group);
}

/// The words behind the first two dashes as groups; nothing is known of the nodes yet.
Result<LaunchSpec> spec_of_groups(const Context& context, const RunAsked& asked, const RankFilter& shown) {
    auto groups = groups_from(asked.first, context.command);
    if (!groups) return tl::unexpected(std::move(groups.error()));
    auto spec = launch_spec(context, asked.launch, "run");
    if (!spec) return spec;
    // With a PATH of --env's the programs look elsewhere than the agents do.
    if (!spec->env.contains("PATH")) spec->probe_args.merge(probes_of(*groups));
    spec->plan = [groups = std::move(*groups), shown](const LaunchInput& input) {
        return plan_groups(input, groups, shown);
    };
    return spec;
}

Result<LaunchSpec> spec_of(const Context& context, const RunAsked& asked) {
    if (auto given = check_command(context, "run", "command"); !given)
        return tl::unexpected(std::move(given.error()));
    auto shown = RankFilter::from(*asked.ranks);
    if (!shown) return tl::unexpected(std::move(shown.error()));
    if (!asked.first.group.empty()) return spec_of_groups(context, asked, *shown);
    auto spec = launch_spec(context, asked.launch, "run");
    if (spec)
        spec->plan = [options = RunOptions{asked.first.per_node, *shown}](const LaunchInput& input) {
            return plan_run(input, options);
        };
    return spec;
}

} // namespace

void add_run(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand(
        "run", "Run a command once for each GPU of the job, or each node: railhead run [options] -- COMMAND");
    auto asked = std::make_shared<RunAsked>();
    add_launch_options(*command, asked->launch, "run");
    add_group_options(*command, asked->first);
    asked->ranks = add_ranks_option(*command);
    command->callback([&context, asked] {
        auto spec = spec_of(context, *asked);
        if (spec) spec->explain = explain_torch;
        context.exit_code = run_launch(std::move(spec), asked->launch, "run");
    });
}

} // namespace railhead
