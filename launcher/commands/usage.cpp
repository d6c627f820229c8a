#include "launcher/commands/usage.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <vector>

namespace railhead {
namespace {

// The subcommand that was typed, with the words that lead to it: "railhead config".
struct Typed {
    const CLI::App* app;
    std::string words;
    std::vector<std::string> unexpected; ///< in the order of the command line
};

Typed typed_command(const CLI::App& app) {
    Typed typed{&app, app.get_name(), app.remaining()};
    while (!typed.app->get_subcommands().empty()) {
        typed.app = typed.app->get_subcommands().front();
        typed.words += " " + typed.app->get_name();
        auto more = typed.app->remaining();
        typed.unexpected.insert(typed.unexpected.end(), more.begin(), more.end());
    }
    return typed;
}

// "ray, run and attach"; those without a group are not for people.
std::string commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* each : app.get_subcommands([](const CLI::App*) { return true; }))
        if (!each->get_group().empty()) names.push_back(each->get_name());
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
        text += names[i];
    }
    return text;
}

// By the code: the name of an error is sometimes that of the command.
bool is(const CLI::ParseError& error, CLI::ExitCodes code) {
    return error.get_exit_code() == static_cast<int>(code);
}

} // namespace

std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error) {
    auto [command, words, unexpected] = typed_command(app);
    auto commands = commands_of(*command);
    auto help = fmt::format("; see {} --help", words);
    bool misses_command = is(error, CLI::ExitCodes::RequiredError) && !commands.empty();
    if (unexpected.empty() && misses_command)
        return fmt::format("{} needs one of its commands: {}{}", words, commands, help);
    if (unexpected.empty() || (!is(error, CLI::ExitCodes::ExtrasError) && !misses_command)) {
        std::string text = error.what();
        std::replace(text.begin(), text.end(), '\n', ' ');
        return text + help;
    }
    auto word = unexpected.front();
    if (word.starts_with('-'))
        return fmt::format("{} is no option of {}{}", word.substr(0, word.find('=')), words, help);
    if (!commands.empty())
        return fmt::format("{} is no command of {} (it has {}){}", word, words, commands, help);
    return fmt::format("{} does not take \"{}\" (a command of yours goes after two dashes){}", words, word,
                       help);
}

} // namespace railhead
