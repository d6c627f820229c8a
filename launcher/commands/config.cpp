#include "launcher/commands/launch_options.hpp"
#include "launcher/commands/settings_check.hpp"

#include "launcher/json.hpp"
#include "policy/describe.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <memory>

namespace railhead {
namespace {

int show(const Context& context, bool json) {
    auto settings = settings_for(context, {});
    if (!settings) return print_error(settings.error());
    if (json)
        fmt::print("{}\n", json_text(describe_json(*settings), 2));
    else
        fmt::print("{}", describe(*settings));
    return 0;
}

// Both paths name one file, by whatever links.
bool same_file(const std::string& a, const std::string& b) {
    std::error_code ignored;
    return std::filesystem::equivalent(a, b, ignored);
}

int check(const Context& context, const std::string& file, bool named) {
    auto loaded = load_to_check(context, file, named);
    return loaded ? print_checked(file, loaded->findings) : 1;
}

} // namespace

std::optional<Loaded> load_to_check(const Context& context, const std::string& file, bool named) {
    std::error_code ignored;
    if (named && !std::filesystem::exists(file, ignored)) {
        fmt::print(stderr, "railhead: {}: there is no such file; name the settings file to check\n", file);
        return std::nullopt;
    }
    bool of_user = same_file(file, user_settings_file(context.environment));
    auto loaded = check_settings(file, of_user ? Origin::Kind::user : Origin::Kind::site);
    if (loaded) return std::move(*loaded);
    print_error(loaded.error());
    return std::nullopt;
}

int print_checked(const std::string& file, const std::vector<Finding>& findings) {
    for (auto& finding : findings) fmt::print(stderr, "railhead: {}\n", sentence(finding));
    if (findings.empty()) fmt::print("{}: no findings\n", file);
    return findings.empty() ? 0 : 1;
}

void add_config(CLI::App& app, Context& context) {
    auto* command =
        app.add_subcommand("config", "Show the settings with their origins, or check a site's file");
    command->require_subcommand(1);
    auto* show_command =
        command->add_subcommand("show", "Print each setting with its value and where it comes from");
    auto json = std::make_shared<bool>(false);
    show_command->add_flag("--json", *json, "Print one JSON document");
    show_command->callback([&context, json] { context.exit_code = show(context, *json); });
    auto* check_command =
        command->add_subcommand("check", "Check a settings file: exit code 0 clean, 1 findings");
    auto file = std::make_shared<std::string>(site_settings_file);
    auto* name = check_command->add_option("FILE", *file, "The file");
    check_command->callback(
        [&context, file, name] { context.exit_code = check(context, *file, name->count() > 0); });
}

} // namespace railhead
