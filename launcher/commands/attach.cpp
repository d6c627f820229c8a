#include "launcher/commands/launch_options.hpp"

#include "launcher/agent/attach_env.hpp"
#include "launcher/commands/live_launch.hpp"
#include "launcher/supervisor/ask_slurm.hpp"
#include "launcher/supervisor/srun.hpp"
#include "launcher/supervisor/surroundings.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <unistd.h>

namespace railhead {
namespace {

struct AttachOptions {
    std::string job, tmp;
};

// Becomes the program; returns only when that fails.
Error become(const std::vector<std::string>& command, const std::map<std::string, std::string>& environment) {
    std::vector<std::string> pairs;
    for (auto& [name, value] : environment) pairs.push_back(name + "=" + value);
    std::vector<char*> argv, envp;
    for (auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    for (auto& pair : pairs) envp.push_back(pair.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    environ = envp.data(); // execvpe() would look for the program on our own PATH
    execvp(argv[0], argv.data());
    return Error{ErrorKind::usage,
                 {.id = "exec-failed",
                  .thing = command[0],
                  .seen = fmt::format("cannot be run: {}", std::strerror(errno)),
                  .next = "check the command"}};
}

tl::unexpected<Error> cannot_attach(const std::string& job, std::string seen, std::string next) {
    return fail(
        ErrorKind::usage,
        {.id = "no-cluster", .thing = "job " + job, .seen = std::move(seen), .next = std::move(next)});
}

// The job, array task or first component of a heterogeneous job that runs and that `job` means.
Result<JobDetails> running_job(const Environment& environment, const std::string& job) {
    auto found = ask_for_job(environment, job);
    if (found && found->front().leader != found->front().job_id) // a later component was named
        found = ask_for_job(environment, found->front().leader);
    if (!found) return tl::unexpected(found.error());
    auto state = found->front().state;
    std::erase_if(*found, [](auto& each) {
        return each.state != "RUNNING" || each.nodes.empty() || each.het_offset.value_or(0) != 0;
    });
    if (found->empty()) return cannot_attach(job, "is " + state, "see 'squeue --me' for your running jobs");
    if (found->size() == 1) return found->front();
    std::vector<std::string> tasks;
    for (auto& each : *found) tasks.push_back(each.array_task);
    return cannot_attach(job, fmt::format("has {} running tasks: {}", tasks.size(), fmt::join(tasks, ", ")),
                         "name one of them");
}

// On any node: a step on the job's first node, where the head of a launch is, that enters the launch there.
// srun gives the terminal and passes the exit code on.
int attach(const Context& context, const AttachOptions& options) {
    auto dot = std::min(options.job.find('.'), options.job.size());
    auto step = options.job.substr(dot); // of one launch among several: ".1"
    auto job = running_job(context.environment, options.job.substr(0, dot));
    if (!job) return print_error(job.error());
    if (auto uid = getuid(); !job->user.empty() && !job->user.ends_with(fmt::format("({})", uid)))
        return print_error(cannot_attach(options.job, "is of " + job->user,
                                         "ask its owner; a job is attached to by its own user only")
                               .value());
    auto gpus = job->gpus.find(job->nodes.front());
    std::vector<std::string> command{"srun",
                                     "--jobid=" + job->leader,
                                     "--overlap",
                                     "--nodes=1",
                                     "--ntasks=1",
                                     "--nodelist=" + job->nodes.front(),
                                     "--cpu-bind=none",
                                     "--mem=0",
                                     "--mpi=none",
                                     "--quiet",
                                     "--export=ALL"};
    if (!job->gpus.empty())
        command.push_back(gpus == job->gpus.end()
                              ? "--gres=none"
                              : gpus_option(gpus->second, 1, slurm_version(context.environment)));
    if (job->het_offset) command.emplace_back("--het-group=0");
    if (!job->container.empty()) command.push_back("--container=" + job->container); // where the launch is
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) command.push_back("--pty");
    command.insert(command.end(), {own_path(), "enter", job->leader + step});
    if (!options.tmp.empty()) command.push_back("--tmp=" + options.tmp);
    if (!context.command.empty()) command.push_back("--");
    command.insert(command.end(), context.command.begin(), context.command.end());
    return print_error(become(command, srun_environment(context.environment)));
}

// On the head node, inside that step.
int enter(const Context& context, const AttachOptions& options) {
    auto settings = settings_for(context, {});
    if (!settings) return print_error(settings.error());
    auto published =
        read_published(options.tmp.empty() ? settings->text(Key::launch_tmp) : options.tmp, options.job);
    if (!published) return print_error(published.error());
    auto environment = attached_environment(context.environment.all(), *published);
    auto command = context.command;
    auto shell = context.environment.get("SHELL").value_or("");
    if (command.empty()) command = {access(shell.c_str(), X_OK) == 0 ? shell : "/bin/sh"};
    return print_error(become(command, environment));
}

} // namespace

void add_attach(CLI::App& app, Context& context) {
    auto options = std::make_shared<AttachOptions>();
    auto* command = app.add_subcommand(
        "attach",
        "Open a shell on the head node of a running job's cluster, with its address and token, or run "
        "a command there: railhead attach JOBID [-- COMMAND]");
    command->callback([&context, options] { context.exit_code = attach(context, *options); });
    auto* inside = app.add_subcommand("enter", "")->group("");
    inside->callback([&context, options] { context.exit_code = enter(context, *options); });
    for (auto* each : {command, inside}) {
        each->add_option("JOBID", options->job,
                         "The job, as squeue shows it: 17, 16_3; with several launches the step of one: 17.1")
            ->required();
        each->add_option("--tmp", options->tmp, "Where the launch has its directory, if it was given --tmp")
            ->type_name("DIR");
    }
}

} // namespace railhead
