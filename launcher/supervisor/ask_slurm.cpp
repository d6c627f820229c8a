#include "launcher/supervisor/ask_slurm.hpp"

#include "base/child.hpp"

#include <fmt/core.h>

namespace railhead {
namespace {
constexpr double scontrol_within_s = 10;
constexpr std::size_t max_answer_bytes = 4 << 20; // a line per job, 100 bytes per group of nodes
} // namespace

ChildSpec question_for_job(const Environment& environment, const std::string& job) {
    auto script = "trap '' TERM; exec scontrol show job --details \"$0\" 2>&1";
    ChildSpec scontrol{.argv = {"sh", "-c", script, job}, .env = environment.all()};
    scontrol.env["SLURM_TIME_FORMAT"] = "%s";
    return scontrol;
}

Result<std::vector<JobDetails>> ask_for_job(const Environment& environment, const std::string& job) {
    Finding finding{.id = "no-job", .thing = "job " + job, .next = "see 'squeue --me' for your jobs"};
    if (job.empty() || job.find_first_not_of("0123456789_+") != std::string::npos) {
        finding.seen = "is no job";
        finding.expected = "a number as squeue shows it, such as 17, 16_3 or 14+1";
        return fail(ErrorKind::usage, finding);
    }
    if (auto found = find_program("scontrol", environment.get("PATH").value_or("/usr/bin:/bin")); !found) {
        finding.thing = "scontrol"; // the shell would say the like of itself
        finding.seen = found.error().finding.seen;
        finding.expected = found.error().finding.expected;
        finding.next = "run this on a machine of the cluster, with Slurm's programs on PATH";
        return fail(ErrorKind::usage, finding);
    }
    auto answer = capture(question_for_job(environment, job), scontrol_within_s, max_answer_bytes);
    if (!answer) return tl::unexpected(answer.error());
    if (!answer->status) {
        finding.seen =
            fmt::format("cannot be looked up: scontrol gave no answer within {} s", scontrol_within_s);
        return fail(ErrorKind::usage, finding);
    }
    auto details = job_details_from(answer->out);
    if (!details.empty()) return details;
    finding.seen = "was not found by scontrol: " + answer->out.substr(0, answer->out.find('\n'));
    return fail(ErrorKind::usage, finding);
}

std::string slurm_version(const Environment& environment) {
    auto answer = capture({.argv = {"scontrol", "--version"}, .env = environment.all()}, scontrol_within_s);
    return answer ? answer->out : std::string();
}

} // namespace railhead
