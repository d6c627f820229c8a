#include "base/error.hpp"
#include "launcher/commands/command.hpp"
#include "launcher/commands/usage.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <system_error>

namespace {

using namespace railhead;

// Everything after the first "--" is the user's command, untouched; absent without the dashes.
std::optional<std::vector<std::string>> split_command(std::vector<std::string>& words) {
    auto dashes = std::find(words.begin(), words.end(), "--");
    if (dashes == words.end()) return std::nullopt;
    std::vector<std::string> command(dashes + 1, words.end());
    words.erase(dashes, words.end());
    return command;
}

int usage(const std::string& sentence) {
    fmt::print(stderr, "railhead: {}\n", sentence);
    return exit_code(ErrorKind::usage);
}

int run(int argc, char** argv) {
    Context context{.environment = Environment::of_process()};
    std::vector<std::string> words(argv + 1, argv + argc);
    auto command = split_command(words);
    if (command && (command->empty() || command->front().empty()))
        return usage(
            "after two dashes there is no command: name one, or leave the dashes out; a variable that "
            "should hold it is empty");
    context.command = command.value_or(std::vector<std::string>());
    std::reverse(words.begin(), words.end()); // CLI11 takes a vector back to front

    CLI::App app("Makes GPU jobs on Slurm start right.", "railhead");
    app.set_version_flag("--version", "railhead " RAILHEAD_VERSION);
    app.require_subcommand(1);
    add_ray(app, context);
    add_torchrun(app, context);
    add_mpi(app, context);
    add_run(app, context);
    add_attach(app, context);
    add_config(app, context);
    add_policy(app, context);
    add_check(app, context);
    add_env(app, context);
    add_lint(app, context);
    add_inventory(app, context);
    add_topology(app, context);
    add_sweep(app, context);
    add_agent(app, context);
    add_task(app, context);
    add_ranks(app, context);
    add_step(app, context);
    add_reach(app, context);
    try {
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error); // --help, --version
        return usage(usage_sentence(app, error));
    }
    return context.exit_code;
}

/// What was printed may still fail to be written. A reader that has left (head -1) has what it wanted.
int printed(int code) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    auto error = errno;
    if (error == EPIPE) return code;
    fmt::print(stderr, "railhead: standard output cannot be written: {}; what is there is not whole\n",
               std::strerror(error));
    return exit_code(ErrorKind::usage);
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN); // a closed terminal is an error of write(2), not the end
    try {
        return printed(run(argc, argv));
    } catch (const std::system_error& error) {
        errno = error.code().value(); // fmt's, of a write
        if (std::ferror(stdout) != 0) return printed(0);
        fmt::print(stderr, "railhead: internal error: {}; please report it with the command line\n",
                   error.what());
        return exit_code(ErrorKind::internal);
    } catch (const std::exception& error) {
        fmt::print(stderr, "railhead: internal error: {}; please report it with the command line\n",
                   error.what());
        return railhead::exit_code(railhead::ErrorKind::internal);
    }
}
