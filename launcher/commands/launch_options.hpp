#pragma once
#include "launcher/commands/command.hpp"
#include "launcher/supervisor/supervisor.hpp"
#include "policy/settings.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// The options that every launch has: one per setting of [launch] (and of the recipe's own section), named
/// like the setting.
struct LaunchOptions {
    std::map<Key, std::string> settings; ///< as typed
    std::vector<std::string> env;        ///< NAME=VALUE
    std::vector<std::string> srun_args;
    bool dry_run = false;
    bool json = false;
};

void add_launch_options(CLI::App& command, LaunchOptions& options, std::string_view recipe_section);

/// --ranks of recipes that have several: as typed; see RankFilter.
std::shared_ptr<std::string> add_ranks_option(CLI::App& command);

/// Error (usage): nothing stands behind the two dashes, where a `what` is needed ("command").
Result<void> check_command(const Context& context, std::string_view recipe, std::string_view what);

/// Settings from files, environment and options; warnings of the files are printed. Error (usage) names
/// option or file.
Result<Settings> settings_for(const Context& context, const LaunchOptions& options);

/// Allocation and settings put together; the recipe adds plan, probes and explain. Error (usage): not inside
/// a job, a bad option.
Result<LaunchSpec> launch_spec(const Context& context, const LaunchOptions& options, std::string recipe);

/// Supervises, or, as a task other than the first of `srun railhead ...`, waits for the launch on this node
/// to end (exit code 0). An error of the spec is said, and reported, as the options ask; its exit code.
int run_launch(Result<LaunchSpec> spec, const LaunchOptions& options, const std::string& recipe);

/// "railhead: sentence" on standard error; the error's exit code.
int print_error(const Error& error);

} // namespace railhead
