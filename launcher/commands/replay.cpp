#include "launcher/commands/replay.hpp"

#include "base/child.hpp"
#include "launcher/commands/inventory.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/json.hpp"
#include "lint/history.hpp"
#include "rules/judge.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <iostream>
#include <iterator>
#include <map>

namespace railhead {
namespace {

constexpr double sacct_within_s = 600; // a month of a large site
constexpr std::size_t most_history_bytes = std::size_t{1} << 30;
constexpr std::size_t most_examples = 5;

struct Rule {
    std::size_t refused = 0, refused_and_ran = 0, warned = 0;
};

struct Replayed {
    std::map<std::string, Rule> rules;
    std::size_t jobs = 0, totals_only = 0, unread = 0;
    std::vector<std::string> examples; ///< of jobs that ran, and would have been refused
};

Result<std::string> history_of(const Context& context, const ReplayOptions& options) {
    if (options.history == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
    if (!options.history.empty()) return read_whole_file(options.history, "name a file of sacct's output");
    ChildSpec sacct{.argv = {"sacct", "--allusers", "--allocations", "--noheader", "--parsable2",
                             "--starttime=" + options.since, "--format=" + std::string(sacct_fields)},
                    .env = context.environment.all()};
    auto answer = capture(std::move(sacct), sacct_within_s, most_history_bytes);
    std::string seen;
    if (!answer)
        seen = sentence(answer.error());
    else if (!answer->status)
        seen = fmt::format("gave no answer within {} s", sacct_within_s);
    else if (!answer->status->success())
        seen = "failed, as it says itself above: it needs accounting (slurmdbd), and a --since such as "
               "2026-05-01 or now-7days";
    if (seen.empty()) return std::move(answer->out);
    return fail(ErrorKind::usage,
                {.id = "sacct",
                 .thing = "sacct",
                 .seen = seen,
                 .next = fmt::format("give a file that has its output: sacct -a -X -n -P -S {} "
                                     "--format={}",
                                     options.since, sacct_fields)});
}

Result<Settings> policy_of(const Context& context, const ReplayOptions& options) {
    if (options.policy.empty()) return settings_for(context, {});
    auto loaded = load_settings(options.policy, "", Environment());
    if (!loaded) return tl::unexpected(loaded.error());
    return std::move(loaded->settings);
}

void count(Replayed& counts, const PastJob& job, const Inventory& inventory, const Settings& settings) {
    ++counts.jobs;
    if (!job.whole) ++counts.totals_only;
    for (const auto& finding : judge(job.request, inventory, settings).findings) {
        auto& rule = counts.rules[finding.id];
        bool refused = finding.level == Level::fail;
        ++(refused ? rule.refused : rule.warned);
        if (!refused || !job.ran) continue;
        ++rule.refused_and_ran;
        if (counts.examples.size() < most_examples)
            counts.examples.push_back(
                fmt::format("job {} of {} ran: {} [{}]", job.id, job.user, sentence(finding), finding.id));
    }
}

/// Components of a heterogeneous job follow each other, "17+0" and "17+1", and are judged together.
class Components {
  public:
    void add_to(PastJob& job) {
        auto leader = job.id.substr(0, job.id.find('+'));
        if (leader != leader_) before_.clear();
        leader_ = std::move(leader);
        if (!job.request.het_offset) return;
        job.request.earlier = before_;
        before_.push_back(job.request);
        before_.back().earlier.clear();
    }

  private:
    std::string leader_;
    std::vector<JobRequest> before_;
};

void print(const Replayed& counts, bool json) {
    if (json) {
        auto rules = nlohmann::json::object();
        for (auto& [name, rule] : counts.rules)
            rules[name] = {{"refused", rule.refused},
                           {"refused_and_ran", rule.refused_and_ran},
                           {"warned", rule.warned}};
        nlohmann::json document = {{"v", 1},
                                   {"jobs", counts.jobs},
                                   {"totals_only", counts.totals_only},
                                   {"unread", counts.unread},
                                   {"rules", std::move(rules)},
                                   {"examples", counts.examples}};
        fmt::print("{}\n", json_text(document, 2));
        return;
    }
    fmt::print("{:<16} {:>8} {:>14} {:>8}\n", "rule", "refused", "of these, ran", "warned");
    for (auto& [name, rule] : counts.rules)
        fmt::print("{:<16} {:>8} {:>14} {:>8}\n", name, rule.refused, rule.refused_and_ran, rule.warned);
    fmt::print("{} jobs; of {} only the totals are on record; {} lines could not be read\n", counts.jobs,
               counts.totals_only, counts.unread);
    for (auto& example : counts.examples) fmt::print("{}\n", example);
}

} // namespace

int replay(const Context& context, const ReplayOptions& options) {
    auto settings = policy_of(context, options);
    if (!settings) return print_error(settings.error());
    auto inventory = inventory_for(context.environment, options.inventory);
    if (!inventory) return print_error(inventory.error());
    auto history = history_of(context, options);
    if (!history) return print_error(history.error());
    Replayed counts;
    Components components;
    for (std::string_view rest = *history; !rest.empty();) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.empty()) continue;
        auto job = past_job_from(line);
        if (!job) {
            ++counts.unread;
            continue;
        }
        components.add_to(*job);
        count(counts, *job, *inventory, *settings);
    }
    print(counts, options.json);
    return 0;
}

} // namespace railhead
