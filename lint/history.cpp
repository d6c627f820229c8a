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

/// Of "gres/gpu=16,gres/gpu:h100=16,gres/shard=4": the typed numbers, and the untyped of what has no type.
std::vector<GresItem> gres_of(std::string_view list) {
    constexpr std::string_view gres = "gres/";
    std::vector<GresItem> typed, untyped;
    for (const auto& item : names_in(list)) {
        auto key = std::string_view(item).substr(0, item.find('='));
        auto count = tres(list, key);
        if (!key.starts_with(gres) || count == 0) continue;
        auto name = key.substr(gres.size());
        auto colon = name.find(':');
        auto type = colon == name.npos ? std::string_view() : name.substr(colon + 1);
        (type.empty() ? untyped : typed)
            .push_back({std::string(name.substr(0, colon)), std::string(type), Per::job, count, item});
    }
    for (auto& item : untyped)
        if (std::none_of(typed.begin(), typed.end(), [&](auto& other) { return other.gres == item.gres; }))
            typed.push_back(std::move(item));
    return typed;
}

/// The options of "sbatch -N2 : -N4 job.sh --epochs 3": of each component up to its program, whose own they
/// are from there on; ":" stays.
std::vector<std::string> options_in(std::string_view submit_line) {
    std::string text; // the shell has read it: "|" of -C "a|b" is no operator any more
    for (char c : submit_line) {
        if (std::string_view("|&;()").find(c) != std::string_view::npos) text += '\\';
        text += c;
    }
    auto words = shell_words(text);
    std::vector<std::string> options;
    bool of_program = false;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i] == ":") {
            options.push_back(words[i]);
            of_program = false;
        }
        if (of_program) continue;
        auto alone = read_script("", "", {words[i], "value"}).options;
        of_program = alone.empty() && words[i] != ":"; // the script, or "-" for standard input
        if (alone.empty()) continue;
        options.push_back(words[i]);
        bool takes_next = alone.front().value == "value";
        if (takes_next && i + 1 < words.size() && !words[i + 1].starts_with('-'))
            options.push_back(words[++i]);
    }
    return options;
}

/// A command line that says a size says the nodes, too; else their number in the totals is a least one. Of
/// each job without --nodes that is 1, however many nodes it may have: no number asked for, and never a most.
void add_totals(JobRequest& job, std::string_view totals) {
    bool says_size = job.nodes_min || job.tasks || job.tasks_per_node || !job.gpus.items.empty();
    if (job.gpus.items.empty()) job.gpus.items = gres_of(totals);
    auto nodes = static_cast<std::uint32_t>(std::min<std::uint64_t>(tres(totals, "node"), UINT32_MAX));
    if (!says_size && nodes > 1) job.nodes_min = nodes;
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
    // "17+1": the second component of a heterogeneous job.
    auto plus = id.find('+');
    std::optional<std::uint16_t> offset;
    if (plus != id.npos) offset = whole_number<std::uint16_t>(id.substr(plus + 1));
    auto script = read_script(std::string(id), "", options_in(submitted));
    auto request = request_of(component_of(script, offset.value_or(0)));
    if (offset) request.het_offset = *offset;
    PastJob job{.id = std::string(id), .user = std::string(user)};
    job.ran = !start.empty() && start != "Unknown" && start != "None";
    job.whole = !request.gpus.items.empty() || gres_of(totals).empty();
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
