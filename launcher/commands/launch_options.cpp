#include "launcher/commands/launch_options.hpp"

#include "base/child.hpp"
#include "launcher/agent/directory.hpp"
#include "launcher/agent/node_limits.hpp"
#include "launcher/commands/live_launch.hpp"
#include "launcher/json.hpp"
#include "launcher/supervisor/console.hpp"
#include "launcher/supervisor/report_file.hpp"
#include "launcher/supervisor/surroundings.hpp"
#include "policy/table.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <sys/resource.h>
#include <system_error>

namespace railhead {
namespace {

constexpr std::uint64_t least_open_files = 16; // the supervisor itself does not start with fewer

// ray.program is --ray; launch.loss_after is --loss-after.
std::string option_name(const Row& row) {
    if (short_name_of(row) == "program") return fmt::format("--{}", section_of(row));
    std::string name = fmt::format("--{}", short_name_of(row));
    std::replace(name.begin(), name.end(), '_', '-');
    return name;
}

/// A container that a batch script runs in seldom has Slurm's programs.
Result<void> check_srun(const Environment& environment, const std::string& container) {
    auto srun = find_program("srun", environment.get("PATH").value_or(""));
    if (srun) return {};
    auto error = std::move(srun.error());
    error.finding.next = "start railhead where Slurm's programs are; from outside it runs the program in a "
                         "container by --srun-arg=--container=" +
                         (container.empty() ? "BUNDLE" : container);
    return tl::unexpected(container.empty() ? std::move(error)
                                            : std::move(error).within("the container " + container));
}

Result<std::map<std::string, std::string>> variables_from(const std::vector<std::string>& words) {
    std::map<std::string, std::string> variables;
    for (auto& word : words) {
        auto equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(ErrorKind::usage, {.id = "env-option",
                                           .thing = "--env " + word,
                                           .seen = "has no name and value",
                                           .expected = "NAME=VALUE",
                                           .next = "write it as --env NAME=VALUE"});
        variables[word.substr(0, equals)] = word.substr(equals + 1);
    }
    return variables;
}

/// Error (usage): the step would have other nodes or tasks than its agents are, and the launch would wait for
/// them, or one agent's end would end the others.
Result<void> check_srun_args(const std::vector<std::string>& args) {
    constexpr std::array<std::string_view, 10> ours{
        "--nodes",   "--ntasks",   "--ntasks-per-node",  "--nodelist", "--exclude",
        "--no-kill", "--relative", "--kill-on-bad-exit", "--wait",     "--pty"};
    constexpr std::string_view letters = "NnwxkrKW";
    for (const std::string_view word : args) {
        const auto name = word.substr(0, word.find('='));
        const bool is_short = word.size() > 1 && word[0] == '-' && letters.find(word[1]) != letters.npos;
        if (!is_short && std::ranges::find(ours, name) == ours.end()) continue;
        return fail(ErrorKind::usage,
                    {.id = "srun-arg",
                     .thing = fmt::format("--srun-arg={}", word),
                     .seen = "is railhead's to say: its step has one agent on each node of the job, and "
                             "railhead alone ends it",
                     .next = "leave it out; ask sbatch or salloc for other nodes"});
    }
    return {};
}

int refuse(const Error& error, const LaunchOptions& options, const std::string& recipe) {
    auto report = report_of(outcome_of(error), recipe, 0);
    if (options.json)
        Console(Console::Style::json).report(report);
    else
        print_error(error);
    auto path = options.settings.find(Key::launch_report);
    if (path == options.settings.end() || path->second.empty()) return report.exit_code;
    if (auto written = write_file(path->second, json_text(to_json(report), 2) + "\n"); !written)
        print_error(written.error());
    return report.exit_code;
}

} // namespace

void add_launch_options(CLI::App& command, LaunchOptions& options, std::string_view recipe_section) {
    for (auto& row : settings_table()) {
        if (row.scope != Scope::user || (section_of(row) != "launch" && section_of(row) != recipe_section))
            continue;
        std::string text(row.documentation);
        if (row.type != Type::text && row.type != Type::path)
            text += fmt::format(" Give {}", expectation_of(row));
        if (!row.preset.empty()) text += fmt::format(" (default {})", row.preset);
        command
            .add_option_function<std::string>(
                option_name(row),
                [&options, key = row.key](const std::string& value) { options.settings[key] = value; }, text)
            ->type_name("VALUE");
    }
    command
        .add_option("--env", options.env, "Set NAME=VALUE for your program on every node; may be repeated")
        ->type_name("NAME=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    command
        .add_option("--srun-arg", options.srun_args,
                    "Pass an argument to the srun that starts the agents; may be repeated")
        ->type_name("ARG")
        ->allow_extra_args(false);
    command
        .add_flag("--dry-run", options.dry_run,
                  "Start nothing but the agents, print the whole plan as JSON, and end")
        ->disable_flag_override();
    command
        .add_flag("--json", options.json,
                  "Write progress and report to standard error as JSON, one object per line")
        ->disable_flag_override();
}

std::shared_ptr<std::string> add_ranks_option(CLI::App& command) {
    auto ranks = std::make_shared<std::string>("all");
    command.add_option("--ranks", *ranks, "Show the output of these ranks only: 0,3-5, all or none")
        ->type_name("LIST")
        ->capture_default_str();
    return ranks;
}

Result<void> check_command(const Context& context, std::string_view recipe, std::string_view what) {
    if (!context.command.empty()) return {};
    std::string word(what);
    std::ranges::transform(word, word.begin(), [](unsigned char each) { return std::toupper(each); });
    return fail(ErrorKind::usage,
                {.id = "no-command",
                 .thing = fmt::format("railhead {}", recipe),
                 .seen = fmt::format("was given no {}", what),
                 .next = fmt::format("put it after two dashes: railhead {} -- {}", recipe, word)});
}

int print_error(const Error& error) {
    fmt::print(stderr, "railhead: {}\n", sentence(error));
    return exit_code(error.kind);
}

Result<Settings> settings_for(const Context& context, const LaunchOptions& options) {
    auto loaded =
        load_settings(site_settings_file, user_settings_file(context.environment), context.environment);
    if (!loaded) return tl::unexpected(loaded.error());
    for (auto& finding : loaded->findings) fmt::print(stderr, "railhead: warning: {}\n", sentence(finding));
    for (auto& [key, value] : options.settings) {
        auto set = loaded->settings.set(
            key, value, Origin{.kind = Origin::Kind::option, .where = option_name(row_of(key))});
        if (!set) return tl::unexpected(set.error());
    }
    return std::move(loaded->settings);
}

Result<LaunchSpec> launch_spec(const Context& context, const LaunchOptions& options, std::string recipe) {
    auto settings = settings_for(context, options);
    if (!settings) return tl::unexpected(settings.error());
    auto variables = variables_from(options.env);
    if (!variables) return tl::unexpected(variables.error());
    if (auto can = check_srun_args(options.srun_args); !can) return tl::unexpected(std::move(can.error()));
    std::error_code gone;
    (void)std::filesystem::current_path(gone);
    if (gone)
        return fail(ErrorKind::usage, {.id = "cwd-gone",
                                       .thing = "the working directory",
                                       .seen = fmt::format("cannot be found: {}", gone.message()),
                                       .next = "start railhead in a directory that is there"});
    if (const auto mask = own_umask(); mask & S_IRWXU)
        return fail(
            ErrorKind::usage,
            {.id = "umask",
             .thing = fmt::format("the umask {:04o}", mask),
             .seen = "takes away the owner's own rights to the files that the launch and the job make",
             .expected = "one that takes none of them, as 0022 or 0077",
             .next = "put `umask 0022` before railhead"});
    if (const auto files = limit_of(RLIMIT_NOFILE); files && *files < least_open_files)
        return fail(ErrorKind::usage, {.id = "open-files",
                                       .thing = "the limit of open files (ulimit -n)",
                                       .seen = fmt::format("is {}", *files),
                                       .expected = fmt::format("at least {}", least_open_files),
                                       .next = "raise it before railhead"});
    auto allocation = allocation_from(context.environment);
    if (!allocation) return tl::unexpected(allocation.error());
    if (auto can = check_srun(context.environment, allocation->container); !can)
        return tl::unexpected(std::move(can.error()));
    // The step of a launch that we are a program of has no task of ours: none to wait for, none to release.
    if (launch_around(context.environment)) {
        allocation->step_task.reset();
        allocation->step_id.reset();
    }
    LaunchSpec spec{.recipe = std::move(recipe),
                    .environment = context.environment,
                    .allocation = std::move(*allocation)};
    spec.settings = std::move(*settings);
    spec.command = context.command;
    spec.env = std::move(*variables);
    spec.srun_args = options.srun_args;
    spec.dry_run = options.dry_run ? DryRun::yes : DryRun::no;
    spec.output = options.json ? Output::json : Output::lines;
    return spec;
}

int run_launch(Result<LaunchSpec> spec, const LaunchOptions& options, const std::string& recipe) {
    if (!spec) return refuse(spec.error(), options, recipe);
    if (spec->allocation.step_task.value_or(0) > 0)
        return wait_for_launch(spec->settings.text(Key::launch_tmp), spec->allocation.job_id,
                               spec->allocation.step_id.value_or(""),
                               spec->settings.seconds(Key::launch_bringup_timeout));
    return supervise(std::move(*spec));
}

} // namespace railhead
