#include "launcher/agent/sweep.hpp"
#include "launcher/commands/command.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace railhead {

void add_sweep(CLI::App& app, Context& context) {
    struct Options {
        std::string step, tmp = "/tmp";
    };
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(
        "sweep", "Clean up on this node after a launch whose agent was killed; a living one is not touched.");
    command->add_option("step", options->step, "The step, as JOBID.STEPID, or JOBID for all of its steps")
        ->required();
    command->add_option("--tmp", options->tmp, "Where launches make their directories (launch.tmp)")
        ->capture_default_str();
    command->callback([&context, options] {
        context.exit_code = run_sweep(context.environment, options->step, options->tmp);
    });
}

} // namespace railhead
