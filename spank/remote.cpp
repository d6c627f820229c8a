#include "spank/contexts.hpp"
#include "spank/leftover.hpp"
#include "spank/step.hpp"

#include "policy/table.hpp"

#include <algorithm>

namespace railhead::spank {
namespace {

/// The step's end waits for it; a sweep of a dead launch takes milliseconds.
constexpr double deadline_s = 5;

/// Absent: Slurm does not tell, or the step is none of srun's (batch, extern, interactive).
std::optional<EndedStep> step_of(spank_t handle) {
    auto items = items_of(handle);
    if (!items || !items->is_of_srun()) return std::nullopt;
    EndedStep step{
        .jobs = {std::to_string(items->job)}, .step = items->step, .owner = std::move(items->owner)};
    // Directories carry SLURM_JOB_ID, which for a heterogeneous job is the leader's. The user can set it to
    // anything; it only chooses among the user's own directories.
    const auto leader = variable(handle, "SLURM_JOB_ID");
    if (!leader.empty() && leader.size() < 32 && leader != step.jobs[0] &&
        leader.find_first_not_of("0123456789") == leader.npos)
        step.jobs.push_back(leader);
    return step;
}

/// Takes the directory that the launch was given by its user, as its supervisor tells it in the step's
/// environment. True when it is another than the site's. What the site does not allow is no directory.
bool take_users_tmp(spank_t handle, Settings& settings) {
    auto name = environment_name_of(row_of(Key::launch_tmp));
    auto before = settings.text(Key::launch_tmp);
    const auto text = variable(handle, name.c_str());
    if (text.empty()) return false;
    return settings.set(Key::launch_tmp, text, {Origin::Kind::environment, name}) &&
           settings.text(Key::launch_tmp) != before;
}

} // namespace

int leave_step(spank_t handle) {
    auto step = step_of(handle);
    if (!step || step->owner.uid == 0) return 0; // root's own launches are root's to clean
    auto settings = site_settings();
    if (!settings.boolean(Key::spank_cleanup)) return 0;
    bool users = take_users_tmp(handle, settings);
    const auto& tmp = settings.text(Key::launch_tmp);
    // Root looks only where the site says; a place that a user has named is looked at as that user.
    for (const auto& job : users ? step->jobs : jobs_with_leftovers(*step, tmp)) {
        auto problem = sweep(*step, job, RAILHEAD_PROGRAM, tmp, deadline_s);
        if (problem)
            slurm_error("spank/railhead: %s", sentence(*problem).c_str());
        else if (!users)
            slurm_info("spank/railhead: cleaned up what a killed launch of step %s.%u left", job.c_str(),
                       step->step);
    }
    return 0;
}

} // namespace railhead::spank
