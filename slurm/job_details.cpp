#include "slurm/job_details.hpp"

#include "base/number.hpp"
#include "slurm/gres.hpp"
#include "slurm/hostlist.hpp"
#include "slurm/time_text.hpp"

#include <algorithm>
#include <array>

namespace railhead {
namespace {

/// "GRES=gpu:h100:2(IDX:2-3),gpu:a100:1(IDX:4)" is 3 GPUs.
int gpus_in(std::string_view gres) {
    auto items = parse_node_gres(gres);
    std::uint64_t count = 0;
    if (items)
        for (const auto& item : *items)
            if (item.gres == "gpu") count += item.count;
    constexpr std::uint64_t most = 1'000'000; // far more than any node; the text may be anything
    return count > most ? 0 : static_cast<int>(count);
}

/// Reads the words "Name=value" of one job; a value may be empty or hold further equal signs.
class DetailsReader {
  public:
    void word(std::string_view name, std::string_view value) {
        if (name == "JobId") job.job_id = job.leader = value;
        if (name == "HetJobId") job.leader = value;
        if (name == "HetJobOffset") job.het_offset = whole_number<int>(value);
        if (name == "ArrayJobId") array_ = value;
        if (name == "ArrayTaskId" && whole_number<int>(value))
            job.array_task = array_ + "_" + std::string(value);
        if (name == "JobState") job.state = value;
        if (name == "Reason") job.reason = value;
        if (name == "PreemptTime") job.preempted = value != "None" && value != "Unknown";
        if (name == "BatchFlag") job.batch = value != "0";
        if (name == "Requeue") job.requeue = value != "0";
        if (name == "RunTime") job.run_s = seconds_from(value);
        if (name == "TimeLimit") job.limit_minutes = minutes_from(value);
        if (name == "UserId") job.user = value;
        if (name == "Container" && value != "(null)") job.container = value;
        if (name == "EndTime") job.end_time = whole_number<std::int64_t>(value);
        if (name == "NodeList") job.nodes = hosts(value);
        if (name == "Nodes") group_ = hosts(value);
        if (name == "Mem") {
            auto megabytes = whole_number<std::uint32_t>(value);
            if (megabytes && *megabytes > 0)
                for (const auto& node : group_) job.mem_bytes[node] = std::uint64_t{*megabytes} << 20;
        }
        if (name != "GRES") return;
        if (auto count = gpus_in(value))
            for (const auto& node : group_) job.gpus[node] = count;
        group_.clear();
    }

    JobDetails job;

  private:
    static std::vector<std::string> hosts(std::string_view text) {
        if (text == "(null)") return {};
        return expand_hostlist(text).value_or(std::vector<std::string>{});
    }

    std::string array_;
    std::vector<std::string> group_; ///< nodes of the "Nodes=" whose "GRES=" comes next
};

/// The lines that say what we read, by their first names. What users write as they like (Comment, WorkDir,
/// Command) stands on lines of its own, and a job's name at the end of the first.
constexpr std::array<std::string_view, 11> fact_lines = {
    "JobId",    "UserId", "JobState",  "Requeue",      "RunTime", "StartTime", "PreemptEligibleTime",
    "NodeList", "Nodes",  "Container", "ContainerType"}; // the last since 26.05

void read_line(std::string_view line, DetailsReader& reader) {
    for (bool first = true; !line.empty(); first = false) {
        auto word = line.substr(0, line.find(' '));
        line.remove_prefix(std::min(line.size(), word.size() + 1));
        auto name = word.substr(0, word.find('='));
        if (name.size() == word.size()) continue;
        if (name == "JobName" || (first && std::ranges::find(fact_lines, name) == fact_lines.end())) return;
        reader.word(name, word.substr(name.size() + 1));
    }
}

const JobDetails* details_of(const Component& component, const std::string& job_id,
                             const std::vector<JobDetails>& details) {
    for (const auto& job : details)
        if (component.het_group ? job.het_offset == component.het_group : job.job_id == job_id) return &job;
    return nullptr;
}

std::vector<Component> split(const Component& whole, const std::map<std::string, int>& gpus,
                             AboveShare above) {
    std::size_t total = 0;
    for (auto& [node, count] : gpus) total += static_cast<std::size_t>(count);
    std::map<int, std::size_t> place; // of each number of GPUs in `parts`
    std::vector<Component> parts;
    for (std::size_t i = 0; i < whole.nodes.size(); ++i) {
        auto found = gpus.find(whole.nodes[i]);
        auto count = found == gpus.end() ? 0 : found->second;
        bool alone =
            above == AboveShare::alone && static_cast<std::size_t>(count) * whole.nodes.size() > total;
        if (alone) place.erase(count);
        auto [at, is_new] = place.emplace(count, parts.size());
        if (is_new)
            parts.push_back({.nodes = {},
                             .cpus = {},
                             .het_group = whole.het_group,
                             .gpus = count,
                             .mem_bytes = whole.mem_bytes,
                             .places = {}});
        auto& part = parts[at->second];
        part.nodes.push_back(whole.nodes[i]);
        part.places.push_back(i);
        if (i < whole.cpus.size()) part.cpus.push_back(whole.cpus[i]);
    }
    return parts;
}

} // namespace

std::vector<JobDetails> job_details_from(std::string_view text) {
    std::vector<DetailsReader> readers;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ')));
        if (line.starts_with("JobId=")) readers.emplace_back();
        if (!readers.empty()) read_line(line, readers.back());
    }
    std::vector<JobDetails> jobs;
    for (auto& reader : readers)
        if (!reader.job.job_id.empty()) jobs.push_back(std::move(reader.job));
    return jobs;
}

std::optional<std::int64_t> time_left_s(const JobDetails& job) {
    if (job.state == "TIMEOUT" || job.reason == "TimeLimit") return 0;
    if (job.limit_minutes == UINT32_MAX) return no_limit_s;
    if (!job.run_s || !job.limit_minutes) return std::nullopt;
    return std::int64_t{*job.limit_minutes} * 60 - static_cast<std::int64_t>(*job.run_s);
}

Allocation with_details(Allocation allocation, const std::vector<JobDetails>& details, AboveShare above) {
    std::vector<Component> components;
    for (auto& component : allocation.components) {
        const auto* job = details_of(component, allocation.job_id, details);
        if (job) component.mem_bytes = job->mem_bytes;
        if (!job || job->gpus.empty()) {
            components.push_back(component);
            continue;
        }
        auto parts = split(component, job->gpus, above);
        components.insert(components.end(), parts.begin(), parts.end());
    }
    allocation.components = std::move(components);
    return allocation;
}

} // namespace railhead
