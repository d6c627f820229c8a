#include "launcher/supervisor/requeue.hpp"

#include "base/child.hpp"
#include "launcher/supervisor/srun.hpp"

#include <fmt/core.h>

#include <map>
#include <string_view>
#include <utility>

namespace railhead {
namespace {

constexpr auto requeue_and_keep_off =
    R"(trap '' TERM; scontrol requeue "$0" 2>&1 && exec scontrol update jobid="$0" excnodelist="$1" 2>&1)";
constexpr double answer_within_s = 20; // srun waits for a controller that is busy

Result<std::string> answer_of(std::vector<std::string> command,
                              std::map<std::string, std::string> environment) {
    auto answer = capture({.argv = std::move(command), .env = std::move(environment)}, answer_within_s);
    if (!answer) return tl::unexpected(std::move(answer.error()));
    if (answer->status && answer->status->success()) return answer->out;
    auto said = answer->out.substr(0, answer->out.find('\n'));
    return fail(ErrorKind::internal,
                {.id = "requeue",
                 .thing = "the requeue",
                 .seen = !answer->status ? fmt::format("was not answered within {} s", answer_within_s)
                         : said.empty()  ? "failed, and scontrol said nothing"
                                         : "failed: " + said,
                 .next = "submit the job with --requeue, if the site does not requeue by itself"});
}

/// Of "... ExcNodeList=node[3-4]": the nodes that the job was kept off before.
std::string excluded_in(std::string_view details) {
    constexpr std::string_view key = "ExcNodeList=";
    const auto at = details.find(key);
    if (at == details.npos) return {};
    auto value = details.substr(at + key.size());
    value = value.substr(0, value.find_first_of(" \n"));
    return value == "(null)" ? std::string() : std::string(value);
}

} // namespace

std::string no_requeue(const JobDetails& job) {
    if (!job.batch) return "Slurm requeues batch jobs only; submit the launch with sbatch, or leave that out";
    if (!job.requeue) return "the job may not be requeued; submit it with --requeue, or leave that out";
    return {};
}

Result<void> requeue(const Environment& environment, const Allocation& allocation,
                     const std::vector<std::string>& without) {
    // The number of an array's last task is the whole array's, too.
    const auto job = allocation.array.value_or(allocation.job_id);
    std::vector<std::string> command{"sh", "-c", "exec scontrol requeue \"$0\" 2>&1", job};
    if (without.empty()) return answer_of(std::move(command), environment.all()).map([](auto&&) {});
    auto details = answer_of({"scontrol", "show", "job", job}, environment.all());
    if (!details) return tl::unexpected(std::move(details.error()));
    auto excluded = excluded_in(*details);
    for (const auto& node : without) excluded += (excluded.empty() ? "" : ",") + node;
    // Only a job that waits can be kept off nodes. But the batch step, and we in it, ends at the requeue, at
    // once if its script does not ignore SIGTERM; another step lives on for Slurm's KillWait.
    const auto here = allocation.nodes().front();
    command = {"srun",
               "--jobid=" + allocation.job_id,
               "--job-name=requeue",
               "--overlap",
               "--nodes=1",
               "--ntasks=1",
               "--nodelist=" + here,
               "--mem=0",
               "--gres=none",
               "--cpu-bind=none",
               "--mpi=none",
               "--input=none",
               "--quiet",
               "sh",
               "-c",
               requeue_and_keep_off,
               job,
               excluded};
    return answer_of(std::move(command), srun_environment(environment)).map([](auto&&) {});
}

} // namespace railhead
