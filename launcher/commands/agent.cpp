#include "launcher/agent/ranks.hpp"
#include "launcher/agent/reach.hpp"
#include "launcher/agent/task.hpp"
#include "launcher/agent/watcher.hpp"
#include "launcher/commands/command.hpp"
#include "launcher/supervisor/srun.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace railhead {

void add_agent(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("agent", "The node's part of a launch; srun starts it.");
    command->group(""); // not for people: left out of --help
    command->callback([&context] { context.exit_code = run_agent(context.environment); });
}

void add_task(CLI::App& app, Context& context) {
    auto* command =
        app.add_subcommand("task", "A rank's place in a launch; torchrun, srun or mpirun starts it.");
    command->group("");
    command->callback([&context] { context.exit_code = run_task(context.environment, context.command); });
}

void add_ranks(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("ranks", "Stands for the ranks of a node that srun or mpirun starts.");
    command->group("");
    auto words = std::make_shared<std::vector<std::string>>();
    command->add_option("words", *words)->required();
    command->callback([&context, words] { context.exit_code = run_ranks(context.environment, *words); });
}

void add_step(CLI::App& app, Context& context) {
    auto* command =
        app.add_subcommand("step", "Becomes an srun that nothing of the agents' own step misleads.");
    command->group("");
    command->callback([&context] { context.exit_code = become_srun(context.environment, context.command); });
}

void add_reach(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("reach", "Whether a node reaches another one; an agent starts it.");
    command->group("");
    auto words = std::make_shared<std::vector<std::string>>();
    command->add_option("words", *words)->required();
    command->callback([&context, words] { context.exit_code = run_reach(*words); });
}

} // namespace railhead
