#include "launcher/supervisor/requeue.hpp"

#include "base/child.hpp"
#include "launcher/supervisor/srun.hpp"

#include <fmt/core.h>

#include <map>
#include <string_view>
#include <utility>

namespace railhead {
namespace {

constexpr std::string_view requeued = "requeued\n"; // by this, and not by its status, for srun may end first
constexpr auto requeue_and_keep_off =
    R"(trap '' TERM; scontrol requeue "$0" 2>&1 && echo requeued && exec scontrol update jobid="$0" excnodelist="$1" 2>&1)";
constexpr double answer_within_s = 20; // srun waits for a controller that is busy

/// What Slurm is asked for, and what the user can do when it is not done.
struct Asked {
    std::string thing, next;
};

Error not_done(const Asked& asked, const Captured& answer, std::string_view words) {
    const auto said = words.substr(0, words.find('\n'));
    return {ErrorKind::internal,
            {.id = "requeue",
             .thing = asked.thing,
             .seen = !answer.status ? fmt::format("was not answered within {} s", answer_within_s)
                     : said.empty() ? "failed, and Slurm said nothing"
                                    : fmt::format("failed: {}", said),
             .next = asked.next}};
}

bool is_done(const Captured& answer) {
    return answer.status && answer.status->success();
}

Asked the_requeue() {
    return {"the requeue", "submit the job with --requeue, if the site does not requeue by itself"};
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

std::string keep_off(const std::string& job, const std::string& nodes) {
    return fmt::format("scontrol update jobid={} excnodelist={}", job, nodes);
}

/// Error: it is not known, and would be lost by an update.
Result<std::string> excluded_nodes(const Environment& environment, const std::string& job,
                                   const std::vector<std::string>& without) {
    auto answer =
        capture({.argv = {"sh", "-c", "exec scontrol show job \"$0\" 2>&1", job}, .env = environment.all()},
                answer_within_s);
    if (!answer) return tl::unexpected(std::move(answer.error()));
    if (is_done(*answer)) return excluded_in(answer->out);
    return tl::unexpected(not_done(
        {.thing = fmt::format("the requeue without {}: 'scontrol show job {}'", without.front(), job),
         .next = fmt::format("requeue it by 'scontrol requeue {}', then '{}'", job,
                             keep_off(job, without.front()))},
        *answer, answer->out));
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
    if (without.empty())
        return capture(
                   {.argv = {"sh", "-c", "exec scontrol requeue \"$0\" 2>&1", job}, .env = environment.all()},
                   answer_within_s)
            .and_then([](auto&& answer) -> Result<void> {
                if (is_done(answer)) return {};
                return tl::unexpected(not_done(the_requeue(), answer, answer.out));
            });
    auto excluded = excluded_nodes(environment, job, without);
    if (!excluded) return tl::unexpected(std::move(excluded.error()));
    for (const auto& node : without) *excluded += (excluded->empty() ? "" : ",") + node;
    // Only a job that waits can be kept off nodes. But the batch step, and we in it, ends at the requeue, at
    // once if its script does not ignore SIGTERM; another step lives on for Slurm's KillWait.
    std::vector<std::string> command{"srun",
                                     "--jobid=" + allocation.job_id,
                                     "--job-name=requeue",
                                     "--overlap",
                                     "--nodes=1",
                                     "--ntasks=1",
                                     "--nodelist=" + allocation.nodes().front(),
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
                                     *excluded};
    auto answer =
        capture({.argv = std::move(command), .env = srun_environment(environment)}, answer_within_s);
    if (!answer) return tl::unexpected(std::move(answer.error()));
    if (is_done(*answer)) return {};
    std::string_view said = answer->out;
    if (!said.starts_with(requeued)) return tl::unexpected(not_done(the_requeue(), *answer, said));
    return tl::unexpected(
        not_done({.thing = "keeping the requeued job off " + without.front(),
                  .next = fmt::format("do it by '{}' while the job waits", keep_off(job, *excluded))},
                 *answer, said.substr(requeued.size())));
}

} // namespace railhead
