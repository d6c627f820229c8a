#include "launcher/commands/launch_options.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace railhead {
namespace {

Result<LaunchSpec> no_command() {
    return fail(ErrorKind::usage, {.id = "no-command",
                                   .thing = "railhead run",
                                   .seen = "was given no command",
                                   .next = "put it after two dashes: railhead run -- COMMAND"});
}

} // namespace

void add_run(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand(
        "run", "Run a command on every node of the job: railhead run [options] -- COMMAND");
    auto options = std::make_shared<LaunchOptions>();
    auto run_options = std::make_shared<RunOptions>();
    add_launch_options(*command, *options, "run");
    command
        ->add_option("--tasks-per-node", run_options->tasks_per_node, "How many ranks to start on each node")
        ->check(CLI::Range(1, 4096));
    command->callback([&context, options, run_options] {
        auto spec = context.command.empty() ? no_command() : launch_spec(context, *options, "run");
        if (spec)
            spec->plan = [run_options](const LaunchInput& input) { return plan_run(input, *run_options); };
        context.exit_code = run_launch(std::move(spec), *options, "run");
    });
}

} // namespace railhead
