#include "launcher/commands/inventory.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/commands/replay.hpp"
#include "launcher/commands/settings_check.hpp"

#include "base/child.hpp"
#include "base/fd.hpp"
#include "launcher/json.hpp"
#include "policy/describe.hpp"
#include "rules/verdict_line.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace railhead {
namespace {

struct Counted {
    std::size_t refused = 0, warned = 0;
    std::set<std::uint32_t> users;
};

using Counts = std::map<std::string, Counted>;

const std::string standard_input = "standard input";

/// How a rotated log begins that was compressed, and the program that reads it.
constexpr std::pair<std::string_view, const char*> compressed[]{
    {"\x1f\x8b", "zcat"}, {"BZh", "bzcat"}, {"\3757zXZ", "xzcat"}, {"\x28\xb5\x2f\xfd", "zstdcat"}};

/// Error (usage): it is compressed.
Result<Counts> count(std::istream& log, const std::string& name) {
    Counts counts;
    bool first = true;
    for (std::string line; std::getline(log, line); first = false) {
        for (auto [mark, reader] : compressed)
            if (first && line.starts_with(mark))
                return fail(ErrorKind::usage,
                            {.id = "log",
                             .thing = name,
                             .seen = "is compressed",
                             .next = fmt::format("run: {} {} | railhead policy stats", reader,
                                                 name == standard_input ? "LOG" : name)});
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
    std::ifstream file;
    bool piped = path == "-" || (path.empty() && isatty(STDIN_FILENO) == 0);
    errno = 0;
    if (!piped) file.open(path);
    auto& log = piped ? std::cin : static_cast<std::istream&>(file);
    auto counts = count(log, piped ? standard_input : path); // a folder opens, and fails when it is read
    if (!counts) return print_error(counts.error());
    if (log.eof() && !log.bad()) {
        print(*counts, json);
        return 0;
    }
    return print_error(
        {ErrorKind::usage,
         {.id = "log",
          .thing = path.empty() ? "no log" : path,
          .seen = path.empty() ? "is named" : fmt::format("cannot be read: {}", std::strerror(errno)),
          .next = "name slurmctld's log ('scontrol show config' says SlurmctldLogFile), or - "
                  "for standard input"}});
}

/// What the file says about partitions and waits that the cluster does not have.
std::vector<Finding> against_cluster(const Settings& settings, const Inventory& inventory) {
    std::vector<Finding> findings;
    for (const auto& name : settings.sections(Whose::partition))
        if (!inventory.partition(name))
            findings.push_back({.id = "policy",
                                .where = settings.place_of(Whose::partition, name),
                                .thing = fmt::format("[submit.partition.{}]", name),
                                .seen = "is about a partition that the cluster does not have",
                                .next = "see the names with 'sinfo -s'"});
    for (const auto& name : settings.names(Key::submit_exempt_reservations))
        if (!inventory.reservation(name))
            findings.push_back(
                {.id = "policy",
                 .level = Level::warn,
                 .where = settings.origin(Key::submit_exempt_reservations).where,
                 .thing = "submit.exempt_reservations",
                 .seen = fmt::format("names {}, a reservation that the cluster does not have", name),
                 .next = "see the names with 'scontrol show reservation'"});
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
    for (auto whose : {Whose::partition, Whose::user})
        for (const auto& name : settings.sections(whose))
            if (const auto* origin = settings.origin_in(whose, name, Key::submit_placement_wait)) {
                auto partition = whose == Whose::partition ? name : "",
                     user = whose == Whose::user ? name : "";
                check_wait(settings.seconds_for(Key::submit_placement_wait, partition, user), *origin);
            }
    return findings;
}

/// A rule that is on and has no number says nothing. A 0 in a section may lift what holds elsewhere.
std::vector<Finding> without_units(const Settings& settings) {
    auto counts = [&](const std::string& partition, const std::string& user) {
        return settings.integer_for(Key::submit_unit_most, partition, user) > 0 ||
               settings.integer_for(Key::submit_unit_step, partition, user) > 0;
    };
    const Origin* on = nullptr;
    bool counted = counts("", "");
    if (settings.text(Key::submit_rule_scalable_unit) != "off")
        on = &settings.origin(Key::submit_rule_scalable_unit);
    for (auto whose : {Whose::partition, Whose::user})
        for (const auto& name : settings.sections(whose)) {
            auto partition = whose == Whose::partition ? name : "", user = whose == Whose::user ? name : "";
            const auto* here = settings.origin_in(whose, name, Key::submit_rule_scalable_unit);
            counted |= counts(partition, user);
            if (!on && here && settings.text_for(Key::submit_rule_scalable_unit, partition, user) != "off")
                on = here;
        }
    if (!on || counted) return {};
    return {{.id = "policy",
             .level = Level::warn,
             .where = on->where,
             .thing = "submit.rule_scalable_unit",
             .seen = "is on, and says nothing: unit_most and unit_step are 0",
             .next = "set one of them"}};
}

/// What accounting lists; absent: there is none, it does not answer, or nobody ever added to it.
std::optional<std::set<std::string>> accounting_names(const Environment& environment, const char* what) {
    UniqueFd nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
    auto text = answer_of(environment,
                          {"sacctmgr", "--noheader", "--parsable2", "show", what,
                           std::string("format=") + (what == std::string_view("qos") ? "Name" : what)},
                          nowhere.get());
    if (!text) return std::nullopt;
    std::set<std::string> names;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) names.insert(line);
    if (names == std::set<std::string>{"root"}) return std::nullopt;
    return names;
}

/// Names that accounting does not know: mistyped, mostly. It is asked only for what the policy names.
std::vector<Finding> against_accounting(const Settings& settings, const Environment& environment) {
    std::vector<Finding> findings;
    struct Named {
        std::string where, setting, name;
    };
    auto look = [&](const char* what, const std::vector<Named>& named) {
        auto known = named.empty() ? std::nullopt : accounting_names(environment, what);
        for (const auto& each : named)
            if (known && !known->contains(each.name))
                findings.push_back(
                    {.id = "policy",
                     .level = Level::warn,
                     .where = each.where,
                     .thing = each.setting,
                     .seen = fmt::format("names {}, which Slurm's accounting does not know", each.name),
                     .next = fmt::format("see the names with 'sacctmgr show {}'", what)});
    };
    auto listed = [&](Key key, const char* setting) {
        std::vector<Named> named;
        for (const auto& name : settings.names(key))
            named.push_back({settings.origin(key).where, setting, name});
        return named;
    };
    look("account", listed(Key::submit_exempt_accounts, "submit.exempt_accounts"));
    look("qos", listed(Key::submit_exempt_qos, "submit.exempt_qos"));
    auto users = listed(Key::submit_exempt_users, "submit.exempt_users");
    for (const auto& name : settings.sections(Whose::user))
        users.push_back({settings.place_of(Whose::user, name), fmt::format("[submit.user.{}]", name), name});
    look("user", users);
    return findings;
}

int check(const Context& context, const std::string& file, const std::string& saved, bool named) {
    auto loaded = load_to_check(context, file, named);
    if (!loaded) return 1;
    for (auto& finding : without_units(loaded->settings)) loaded->findings.push_back(std::move(finding));
    bool here = find_program("scontrol", context.environment.get("PATH").value_or("")).has_value();
    if (here || !saved.empty()) {
        auto inventory = inventory_for(context.environment, saved);
        if (!inventory) return print_error(inventory.error());
        for (auto& finding : against_cluster(loaded->settings, *inventory))
            loaded->findings.push_back(std::move(finding));
    }
    if (here && saved.empty())
        for (auto& finding : against_accounting(loaded->settings, context.environment))
            loaded->findings.push_back(std::move(finding));
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
    stats_command->add_option("LOG", *path, "slurmctld's log (default, and -: standard input)");
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
