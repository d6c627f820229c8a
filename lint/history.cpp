#include "lint/history.hpp"

#include "base/number.hpp"
#include "lint/request.hpp"
#include "slurm/fields.hpp"
#include "slurm/time_text.hpp"

#include <algorithm>
#include <array>

namespace railhead {
namespace {

constexpr std::size_t field_count = 10;

/// The number of "node=4" or "gres/gpu:h100=8" in a list of TRES; 0: it is not there.
std::uint64_t tres(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        auto item = list.substr(0, list.find(','));
        list.remove_prefix(std::min(item.size() + 1, list.size()));
        if (!item.starts_with(name) || !item.substr(name.size()).starts_with('=')) continue;
        return leading_number<std::uint64_t>(item.substr(name.size() + 1)).value_or(0);
    }
    return 0;
}

/// The types in "gres/gpu=16,gres/gpu:h100=16", each with its number; without any, the untyped number.
std::vector<GresItem> gpus_of(std::string_view list) {
    constexpr std::string_view typed = "gres/gpu:";
    std::vector<GresItem> items;
    for (auto rest = list; !rest.empty();) {
        auto item = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(item.size() + 1, rest.size()));
        if (!item.starts_with(typed)) continue;
        auto name = item.substr(0, item.find('='));
        if (auto count = tres(list, name))
            items.push_back(
                {"gpu", std::string(name.substr(typed.size())), Per::job, count, std::string(item)});
    }
    auto all = tres(list, "gres/gpu");
    if (items.empty() && all > 0) items.push_back({"gpu", "", Per::job, all, "gres/gpu"});
    return items;
}

/// The options of "sbatch -N2 job.sh --epochs 3": up to the program, whose own they are from there on.
std::vector<std::string> options_in(std::string_view submit_line) {
    auto words = shell_words(submit_line);
    std::vector<std::string> options;
    for (std::size_t i = 1; i < words.size(); ++i) {
        auto alone = read_script("", "", {words[i], "value"}).options;
        if (alone.empty()) break; // the script, or "-" for standard input
        options.push_back(words[i]);
        bool takes_next = alone.front().value == "value";
        if (takes_next && i + 1 < words.size() && !words[i + 1].starts_with('-'))
            options.push_back(words[++i]);
    }
    return options;
}

void add_totals(JobRequest& job, std::string_view totals) {
    if (job.gpus.items.empty()) job.gpus.items = gpus_of(totals);
    auto nodes = static_cast<std::uint32_t>(std::min<std::uint64_t>(tres(totals, "node"), UINT32_MAX));
    if (!job.nodes_min && nodes > 0) job.nodes_min = job.nodes_max = nodes;
}

} // namespace

std::optional<PastJob> past_job_from(std::string_view line) {
    std::array<std::string_view, field_count> fields;
    for (std::size_t i = 0; i < field_count; ++i) {
        auto end = i + 1 < field_count ? line.find('|') : line.size();
        if (end == line.npos) return std::nullopt;
        fields[i] = line.substr(0, end);
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    auto [id, user, account, partition, qos, reservation, start, limit, totals, submitted] = fields;
    if (id.empty() || id[0] < '0' || id[0] > '9') return std::nullopt;
    auto request = request_of(read_script(std::string(id), "", options_in(submitted)));
    PastJob job{.id = std::string(id), .user = std::string(user)};
    job.ran = !start.empty() && start != "Unknown" && start != "None";
    job.whole = !request.gpus.items.empty() || gpus_of(totals).empty();
    job.request = std::move(request);
    job.request.user = user;
    job.request.account = account;
    job.request.qos = qos;
    job.request.reservation = reservation;
    if (job.request.partitions.empty()) job.request.partitions = names_in(partition);
    if (!job.request.time_minutes) job.request.time_minutes = minutes_from(limit);
    add_totals(job.request, totals);
    return job;
}

} // namespace railhead
