#include "launcher/commands/launch_options.hpp"

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
        fmt::print("{}\n", nlohmann::json{{"v", 1}, {"rules", std::move(rules)}}.dump(2));
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

} // namespace

void add_policy(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("policy", "Count what the submit plugin said");
    command->require_subcommand(1);
    auto* stats_command = command->add_subcommand(
        "stats", "Count the verdicts in slurmctld's log by rule: refused, warned, users");
    auto path = std::make_shared<std::string>();
    stats_command->add_option("LOG", *path, "slurmctld's log; -: standard input")->required();
    auto json = std::make_shared<bool>(false);
    stats_command->add_flag("--json", *json, "Print one JSON document")->disable_flag_override();
    stats_command->callback([&context, path, json] { context.exit_code = stats(*path, *json); });
}

} // namespace railhead
