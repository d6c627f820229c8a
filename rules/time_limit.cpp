#include "rules/time_limit.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

constexpr std::uint32_t short_default_minutes = 60;

/// The most that one of them allows; absent: there is one without a limit.
std::optional<std::uint32_t> longest(const Partitions& partitions) {
    std::uint32_t most = 0;
    for (const auto* partition : partitions) {
        if (!partition->max_minutes) return std::nullopt;
        most = std::max(most, *partition->max_minutes);
    }
    return most;
}

bool has_short_default(const Partition* partition) {
    auto minutes = partition->default_minutes;
    return minutes && *minutes <= short_default_minutes &&
           *minutes < partition->max_minutes.value_or(UINT32_MAX);
}

/// The open partitions that allow it and hold the job's GPUs.
Partitions longer_partitions(const JobRequest& job, const Inventory& inventory, const Partitions& except,
                             std::uint32_t minutes) {
    Partitions found;
    const auto items = gpu_items(job);
    for (const auto& partition : inventory.partitions) {
        bool fits = std::all_of(items.begin(), items.end(), [&](const GresItem* item) {
            return can_hold(inventory, {&partition}, demand_of(*item, job));
        });
        bool here = std::find(except.begin(), except.end(), &partition) != except.end();
        if (may_be_proposed(partition, inventory) && fits && !here &&
            partition.max_minutes.value_or(UINT32_MAX) >= minutes)
            found.push_back(&partition);
    }
    return found;
}

/// As the user wrote it, in an update as scontrol takes it.
const char* option_of(const JobRequest& job) {
    if (job.modify) return job.time_min_minutes ? "timemin" : "timelimit";
    return job.time_min_minutes ? "--time-min" : "--time";
}

} // namespace

std::string time_text(std::uint32_t minutes) {
    constexpr std::uint32_t hour = 60, day = 24 * hour;
    if (minutes < 2 * hour) return fmt::format("{}", minutes);
    auto clock = fmt::format("{:02}:{:02}:00", minutes % day / hour, minutes % hour);
    return minutes < day ? clock : fmt::format("{}-{}", minutes / day, clock);
}

std::optional<Finding> time_limit_rule(const JobRequest& job, const Inventory& inventory,
                                       const Partitions& partitions) {
    // Slurm may shorten a job down to --time-min.
    auto asked = job.time_min_minutes ? job.time_min_minutes : job.time_minutes;
    auto most = longest(partitions);
    const auto* option = option_of(job);
    if (asked && most && *asked > *most && !lifts_for(job.lifts, inventory).time) {
        std::vector<std::string> ways{fmt::format("{}={}", option, time_text(*most))};
        add_ways(ways, longer_partitions(job, inventory, partitions, *asked), job);
        auto shown = *asked == UINT32_MAX ? "UNLIMITED" : time_text(*asked);
        return Finding{.id = "time-limit",
                       .level = may_run(job) ? Level::warn : Level::fail,
                       .thing = fmt::format("{}={}", option, shown),
                       .seen = fmt::format("is more than {} {} ({})", describe(partitions),
                                           verb(partitions, "allow"), time_text(*most)),
                       .next = try_one_of(std::move(ways))};
    }
    bool all_short = std::all_of(partitions.begin(), partitions.end(), has_short_default);
    if (job.time_minutes || job.modify || !all_short) return std::nullopt;
    auto minutes = *partitions.front()->default_minutes;
    return Finding{.id = "time-limit",
                   .level = Level::warn,
                   .thing = "no time limit",
                   .seen = fmt::format("is given, so {} {} the job after {}", describe(partitions),
                                       verb(partitions, "end"), counted(minutes, "minute")),
                   .next =
                       "add --time=D-HH:MM:SS" + (most ? fmt::format(", at most {}", time_text(*most)) : "")};
}

} // namespace railhead
