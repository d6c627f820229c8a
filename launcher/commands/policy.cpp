#include "launcher/commands/inventory.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/commands/replay.hpp"
#include "launcher/commands/settings_check.hpp"

#include "base/child.hpp"
#include "launcher/json.hpp"
#include "policy/describe.hpp"
#include "rules/verdict_line.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>

namespace railhead {
namespace {

struct Counted {
    std::size_t refused = 0, warned = 0;
    std::set<std::uint32_t> users;
};

using Counts = std::map<std::string, Counted>;

Counts count(std::istream& log) {
    Counts counts;
    for (std::string line; std::getline(log, line);) {
        auto verdict = verdict_in(line);
        if (!verdict) continue;
        auto& rule = counts[verdict->rule];
        ++(verdict->refused ? rule.refused : rule.warned);
        rule.users.insert(verdict->user);
    }
    return counts;
}

void print(const Counts& counts, bool json) {
    if (json) {
        auto rules = nlohmann::json::object();
        for (auto& [rule, counted] : counts)
            rules[rule] = {
                {"refused", counted.refused}, {"warned", counted.warned}, {"users", counted.users.size()}};
        fmt::print("{}\n", json_text({{"v", 1}, {"rules", std::move(rules)}}, 2));
        return;
    }
    fmt::print("{:<16} {:>8} {:>8} {:>8}\n", "rule", "refused", "warned", "users");
    for (auto& [rule, counted] : counts)
        fmt::print("{:<16} {:>8} {:>8} {:>8}\n", rule, counted.refused, counted.warned, counted.users.size());
}

int stats(const std::string& path, bool json) {
    if (path == "-") {
        print(count(std::cin), json);
        return 0;
    }
    errno = 0;
    std::ifstream log(path);
    auto counts = count(log); // a folder opens, and fails when it is read
    if (log.eof() && !log.bad()) {
        print(counts, json);
        return 0;
    }
    return print_error({ErrorKind::usage,
                        {.id = "log",
                         .thing = path,
                         .seen = fmt::format("cannot be read: {}", std::strerror(errno)),
                         .next = "name slurmctld's log ('scontrol show config' says SlurmctldLogFile), or - "
                                 "for standard input"}});
}

/// What the file says about partitions and waits that the cluster does not have.
std::vector<Finding> against_cluster(const Settings& settings, const Inventory& inventory) {
    std::vector<Finding> findings;
    for (const auto& name : settings.sections(Whose::partition))
        if (!inventory.partition(name))
            findings.push_back({.id = "policy",
                                .thing = fmt::format("[submit.partition.{}]", name),
                                .seen = "is about a partition that the cluster does not have",
                                .next = "see the names with 'sinfo -s'"});
    auto check_wait = [&](double seconds, const Origin& origin) {
        if (seconds > inventory.max_switch_wait)
            findings.push_back({.id = "policy",
                                .where = origin.where,
                                .thing = "submit.placement_wait",
                                .seen = fmt::format("is {:g} s, and Slurm waits no longer than {} s", seconds,
                                                    inventory.max_switch_wait),
                                .next = "lower it, or raise max_switch_wait of SchedulerParameters"});
    };
    check_wait(settings.seconds(Key::submit_placement_wait), settings.origin(Key::submit_placement_wait));
    for (const auto& name : settings.sections(Whose::partition))
        if (const auto* origin = settings.origin_in(Whose::partition, name, Key::submit_placement_wait))
            check_wait(settings.seconds_for(Key::submit_placement_wait, name), *origin);
    return findings;
}

int check(const Context& context, const std::string& file, const std::string& saved, bool named) {
    auto loaded = load_to_check(context, file, named);
    if (!loaded) return 1;
    bool here = find_program("scontrol", context.environment.get("PATH").value_or("")).has_value();
    if (here || !saved.empty()) {
        auto inventory = inventory_for(context.environment, saved);
        if (!inventory) return print_error(inventory.error());
        for (auto& finding : against_cluster(loaded->settings, *inventory))
            loaded->findings.push_back(std::move(finding));
    }
    return print_checked(file, loaded->findings);
}

int show(const Context& context) {
    auto settings = settings_for(context, {});
    if (!settings) return print_error(settings.error());
    fmt::print("{}", describe(*settings, "submit"));
    return 0;
}

} // namespace

void add_policy(CLI::App& app, Context& context) {
    auto* command =
        app.add_subcommand("policy", "Count what the submit plugin said, or would have said of past jobs");
    command->require_subcommand(1);
    auto* stats_command = command->add_subcommand(
        "stats", "Count the verdicts in slurmctld's log by rule: refused, warned, users");
    auto path = std::make_shared<std::string>();
    stats_command->add_option("LOG", *path, "slurmctld's log; -: standard input")->required();
    auto json = std::make_shared<bool>(false);
    stats_command->add_flag("--json", *json, "Print one JSON document")->disable_flag_override();
    stats_command->callback([&context, path, json] { context.exit_code = stats(*path, *json); });
    auto* show_command =
        command->add_subcommand("show", "Print what is in force for submissions, and where it comes from");
    show_command->callback([&context] { context.exit_code = show(context); });
    auto* check_command = command->add_subcommand(
        "check", "Check a policy file, and against the cluster where there is one: 0 clean, 1 findings");
    auto file = std::make_shared<std::string>(site_settings_file);
    auto saved = std::make_shared<std::string>();
    auto* name = check_command->add_option("POLICY", *file, "The file");
    check_command->add_option("--inventory", *saved,
                              "A file of 'railhead inventory save' (default: ask Slurm)");
    check_command->callback([&context, file, saved, name] {
        context.exit_code = check(context, *file, *saved, name->count() > 0);
    });
    auto* replay_command = command->add_subcommand(
        "replay",
        "Judge past jobs by a policy: who would have been refused or warned, and did those jobs run");
    auto options = std::make_shared<ReplayOptions>();
    replay_command->add_option("POLICY", options->policy, "The policy file (default: this machine's)");
    replay_command->add_option("--since", options->since, "The first day, in sacct's words")
        ->capture_default_str();
    replay_command->add_option("--history", options->history,
                               "A file with sacct's output; -: standard input");
    replay_command->add_option("--inventory", options->inventory,
                               "A file of 'railhead inventory save' (default: ask Slurm)");
    replay_command->add_flag("--json", options->json, "Print one JSON document")->disable_flag_override();
    replay_command->callback([&context, options] { context.exit_code = replay(context, *options); });
}

} // namespace railhead
