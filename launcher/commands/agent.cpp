#include "launcher/agent/watcher.hpp"
#include "launcher/commands/command.hpp"

#include <CLI/CLI.hpp>

namespace railhead {

void add_agent(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("agent", "The node's part of a launch; srun starts it.");
    command->group(""); // not for people: left out of --help
    command->callback([&context] { context.exit_code = run_agent(context.environment); });
}

} // namespace railhead
