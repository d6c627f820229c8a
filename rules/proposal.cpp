#include "rules/proposal.hpp"

#include "base/number.hpp"
#include "rules/capacity.hpp"
#include "slurm/fields.hpp"
#include "slurm/gres.hpp"
#include "slurm/hostlist.hpp"
#include "slurm/time_text.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace railhead {
namespace {

constexpr std::string_view attempt = "try ", fallback = "else ";

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
    std::vector<std::string_view> parts;
    for (auto at = text.find(separator); at != text.npos; at = text.find(separator)) {
        parts.push_back(text.substr(0, at));
        text.remove_prefix(at + separator.size());
    }
    parts.push_back(text);
    return parts;
}

bool is_gpu_of(const GresItem& item, Per per) {
    return item.gres == "gpu" && item.per == per;
}

/// Puts the items of `text` in the place of those that `replaces` names.
bool ask(JobRequest& job, const std::string& text, Per per, NodeOption option,
         const std::function<bool(const GresItem&)>& replaces) {
    auto items = parse_tres(text, per);
    if (!items) return false;
    std::erase_if(job.gpus.items, replaces);
    for (auto& item : *items) {
        item.option = option;
        job.gpus.items.push_back(std::move(item));
    }
    return true;
}

/// "h100:8,a100:4"
bool set_gpus(JobRequest& job, Per per, std::string_view value) {
    std::string text;
    for (const auto& each : names_in(value)) text += (text.empty() ? "gres/gpu:" : ",gres/gpu:") + each;
    return ask(job, text, per, NodeOption::gpus_per_node, [&](const GresItem& item) {
        return is_gpu_of(item, per) && (per != Per::node || item.option == NodeOption::gpus_per_node);
    });
}

/// "gpu:8,nic:2" of --gres: all that it said before is gone; scontrol's knows no other option.
bool set_gres(JobRequest& job, std::string_view value) {
    std::string text;
    for (const auto& name : names_in(value)) text += (text.empty() ? "gres/" : ",gres/") + name;
    return ask(job, text, Per::node, NodeOption::gres, [&](const GresItem& item) {
        return item.per == Per::node && (job.modify || item.option != NodeOption::gpus_per_node);
    });
}

/// "cpu=2,gres/gpu:1"
bool set_tres_per_task(JobRequest& job, std::string_view value) {
    for (const auto& each : names_in(value))
        if (each.starts_with("cpu="))
            job.cpus_per_task = whole_number<std::uint32_t>(std::string_view(each).substr(4));
    return ask(job, std::string(value), Per::task, NodeOption::tres_per_task,
               [](const GresItem& item) { return item.per == Per::task; });
}

bool set_nodes(JobRequest& job, std::string_view value) {
    auto dash = value.find('-');
    job.nodes_min = whole_number<std::uint32_t>(value.substr(0, dash));
    job.nodes_max = dash == value.npos ? job.nodes_min : whole_number<std::uint32_t>(value.substr(dash + 1));
    job.nodes_follow_tasks = false;
    return job.nodes_min && job.nodes_max;
}

template <class T>
bool set_number(std::optional<T>& field, std::string_view value) {
    field = whole_number<T>(value);
    return field.has_value();
}

/// GPUs of --ntasks-per-gpu follow the tasks; false where they cannot.
bool set_tasks(JobRequest& job, std::string_view value) {
    if (!set_number(job.tasks, value)) return false;
    for (auto& item : job.gpus.items) {
        if (item.option != NodeOption::ntasks_per_gpu || !job.tasks_per_gpu) continue;
        if (*job.tasks % *job.tasks_per_gpu != 0) return false;
        item.count = *job.tasks / *job.tasks_per_gpu;
    }
    return true;
}

/// "16000M"
bool set_memory(std::optional<std::uint64_t>& field, std::string_view value) {
    return value.ends_with('M') && set_number(field, value.substr(0, value.size() - 1));
}

bool set(JobRequest& job, std::string_view name, std::string_view value) {
    auto is = [&](const char* option, const char* in_update) {
        return name == (job.modify ? in_update : option);
    };
    if (is("--nodes", "numnodes")) return set_nodes(job, value);
    if (is("--partition", "partition")) return !(job.partitions = names_in(value)).empty();
    if (is("--gres", "gres")) return set_gres(job, value);
    if (is("--gpus", "")) return set_gpus(job, Per::job, value);
    constexpr std::string_view gpu = "gres/gpu:";
    if (is("", "tresperjob") && value.starts_with(gpu))
        return set_gpus(job, Per::job, value.substr(gpu.size()));
    if (is("--tres-per-task", "trespertask")) return set_tres_per_task(job, value);
    for (auto per : {Per::node, Per::socket, Per::task})
        if (name == fmt::format("--gpus-per-{}", name_of(per))) return set_gpus(job, per, value);
    if (is("--ntasks", "numtasks")) return set_tasks(job, value);
    if (name == "--ntasks-per-node") return set_number(job.tasks_per_node, value);
    if (name == "--cpus-per-task") return set_number(job.cpus_per_task, value);
    if (name == "--cpus-per-gpu") return set_number(job.cpus_per_gpu, value);
    if (name == "--mem") return set_memory(job.memory_per_node_mib, value);
    if (name == "--mem-per-cpu") return set_memory(job.memory_per_cpu_mib, value);
    if (name == "--mem-per-gpu") return set_memory(job.memory_per_gpu_mib, value);
    if (name == "--exclusive") return job.exclusive = true;
    auto minutes = minutes_from(value);
    if (is("--time", "timelimit")) job.time_minutes = minutes;
    if (is("--time-min", "timemin")) job.time_min_minutes = minutes;
    return minutes && (is("--time", "timelimit") || is("--time-min", "timemin"));
}

/// What sbatch makes of --gpus and --ntasks-per-gpu; absent: nothing.
std::optional<std::uint32_t> tasks_of_gpus(const JobRequest& job) {
    for (const auto& item : job.gpus.items)
        if (is_gpu_of(item, Per::job) && job.tasks_per_gpu && item.count <= UINT16_MAX)
            return static_cast<std::uint32_t>(item.count) * *job.tasks_per_gpu;
    return std::nullopt;
}

/// The nodes of "[rack1*2&rack2*3]": 5.
std::uint64_t nodes_counted_in(std::string_view features) {
    std::uint64_t sum = 0;
    for (auto star = features.find('*'); star != features.npos; star = features.find('*')) {
        features.remove_prefix(star + 1);
        sum += leading_number<std::uint32_t>(features).value_or(0);
    }
    return sum;
}

/// What sbatch and salloc say themselves before a job is sent (22.05, 24.11 and 26.05).
bool sbatch_takes(const JobRequest& job) {
    if (job.cpus_per_gpu && job.cpus_per_task) return false;
    auto nodes = job.nodes_min.value_or(1);
    if (job.tasks.value_or(nodes) < nodes) return false; // it takes so many nodes fewer
    if (nodes_counted_in(job.features) > nodes) return false;
    if (!job.nodelist.empty() && job.nodes_max) // 22.05 rejects what later versions leave out
        if (auto named = expand_hostlist(job.nodelist); named && named->size() > *job.nodes_max) return false;
    if (auto tasks = tasks_of_gpus(job); tasks && job.tasks && job.tasks != tasks) return false;
    int memory = job.memory_per_node_mib.has_value() + job.memory_per_cpu_mib.has_value() +
                 job.memory_per_gpu_mib.has_value();
    if (memory > 1) return false;
    return std::none_of(job.gpus.items.begin(), job.gpus.items.end(), [&](const GresItem& item) {
        return is_gpu_of(item, Per::job) && item.count < nodes;
    });
}

/// The job's numbers that stand for all of its nodes together, for `nodes` in the place of `asked`.
std::string same_on(std::uint32_t nodes, std::uint32_t asked, const JobRequest& job) {
    auto fewer = [&](std::uint64_t number) { return product(number, nodes) / asked; };
    auto options = nodes_option(nodes, job);
    if (job.tasks) options += fmt::format(" --ntasks={}", fewer(*job.tasks));
    std::string gpus;
    auto changed = job;
    for (auto& item : changed.gpus.items) {
        if (!is_gpu_of(item, Per::job) || item.option == NodeOption::ntasks_per_gpu) continue;
        item.count = fewer(item.count);
        gpus = " " + option_for(item, item, changed);
    }
    return options + gpus;
}

bool is_option(std::string_view way) {
    auto first = way.substr(0, way.find(' '));
    return first.find('=') != first.npos || first.starts_with("--");
}

/// Of "try A or B or C or else D" those of A to D that are options.
std::vector<std::string_view> options_in(std::string_view next) {
    std::vector<std::string_view> options;
    for (auto way : split(next, " or ")) {
        for (auto before : {fallback, attempt})
            if (way.starts_with(before)) way.remove_prefix(before.size());
        if (is_option(way)) options.push_back(way);
    }
    return options;
}

/// `options` and those of `way`, which replace the same ones.
std::string put_into(const std::string& options, std::string_view way) {
    std::string all;
    for (auto word : split(options, " ")) {
        auto name = std::string(word.substr(0, word.find('='))) + "=";
        if (!word.empty() && way.find(name) == way.npos) all += std::string(word) + " ";
    }
    return all.append(way);
}

} // namespace

std::optional<JobRequest> with_options(JobRequest job, std::string_view options) {
    auto followed = tasks_of_gpus(job);
    bool follow = followed && job.tasks == followed;
    for (auto word : split(options, " ")) {
        auto equals = std::min(word.find('='), word.size());
        auto value = word.substr(std::min(equals + 1, word.size()));
        if (!set(job, word.substr(0, equals), value)) return std::nullopt;
    }
    if (job.nodes_follow_tasks && job.tasks_per_node)
        job.nodes_max = (job.tasks.value_or(*job.tasks_per_node) - 1) / *job.tasks_per_node + 1;
    if (follow && job.tasks == followed) job.tasks = tasks_of_gpus(job);
    if (!sbatch_takes(job)) return std::nullopt;
    return job;
}

std::string ways_that_work(std::string_view next, const std::function<bool(std::string_view)>& works) {
    constexpr std::size_t most_ways = 2;
    constexpr int most_tries = 12; // each is a judgement, in slurmctld
    int tries = 0;
    std::vector<std::string> kept;
    bool tried = false;
    for (auto way : split(next, " or ")) {
        if (kept.size() == most_ways || (way.starts_with(fallback) && !kept.empty())) break;
        bool last = way.starts_with(fallback);
        if (last) way.remove_prefix(fallback.size());
        if (way.starts_with(attempt)) way.remove_prefix(attempt.size());
        if (!is_option(way)) {
            kept.emplace_back(way);
        } else if ((last || tries++ < most_tries) && works(way)) {
            kept.push_back(fmt::format("{}{}", tried ? "" : attempt, way));
            tried = true;
        }
    }
    return fmt::format("{}", fmt::join(kept, " or "));
}

std::string with_first_way(const std::string& options, std::string_view next) {
    auto ways = options_in(next);
    return ways.empty() ? options : put_into(options, ways.front());
}

std::string ways_in_turn(std::string next, const NextRefusal& next_refusal) {
    constexpr int most_turns = 4; // each is a judgement, in slurmctld
    std::string options;
    for (int turn = 0; turn < most_turns; ++turn) {
        auto more = with_first_way(options, next);
        if (more == options) return "";
        options = std::move(more);
        auto refusal = next_refusal(options);
        if (!refusal) return "";
        if (refusal->empty()) return std::string(attempt) + options;
        next = std::move(*refusal);
    }
    return "";
}

std::string on_fewer_nodes(const JobRequest& job, const std::function<bool(std::string_view)>& works) {
    std::uint32_t asked = job.nodes_min.value_or(1), fit = 0;
    std::string best;
    for (auto too_many = asked; fit + 1 < too_many;) {
        auto nodes = fit + (too_many - fit) / 2;
        auto options = same_on(nodes, asked, job);
        bool good = works(options);
        (good ? fit : too_many) = nodes;
        if (good) best = "try " + options;
    }
    return best;
}

} // namespace railhead
