#pragma once
#include "base/environment.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace railhead {

/// What every subcommand gets; each has a file commands/NAME.cpp with one add_ function, and sets `exit_code`
/// in its callback.
struct Context {
    Environment environment;
    std::vector<std::string> command; ///< what stood after "--"
    int exit_code = 0;
};

void add_run(CLI::App& app, Context& context);
void add_ray(CLI::App& app, Context& context);
void add_attach(CLI::App& app, Context& context);
void add_check(CLI::App& app, Context& context);
void add_env(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_policy(CLI::App& app, Context& context);
void add_inventory(CLI::App& app, Context& context);
void add_lint(CLI::App& app, Context& context);
void add_agent(CLI::App& app, Context& context); ///< hidden: started by srun
void add_task(CLI::App& app, Context& context);  ///< hidden: started by torchrun, srun and mpirun
void add_ranks(CLI::App& app, Context& context); ///< hidden: started by agents
void add_step(CLI::App& app, Context& context);  ///< hidden: started by agents
void add_reach(CLI::App& app, Context& context); ///< hidden: started by agents
void add_mpi(CLI::App& app, Context& context);
void add_torchrun(CLI::App& app, Context& context);
void add_topology(CLI::App& app, Context& context);
void add_sweep(CLI::App& app, Context& context);

} // namespace railhead
