#include "spank/contexts.hpp"
#include "spank/leftover.hpp"

#include "policy/table.hpp"

#include <algorithm>

namespace railhead::spank {
namespace {

#ifndef RAILHEAD_PROGRAM
#define RAILHEAD_PROGRAM "/usr/bin/railhead"
#endif

/// The step's end waits for it; a sweep of a dead launch takes milliseconds.
constexpr double deadline_s = 5;

/// Absent: Slurm does not tell, or the step is none of srun's (batch, extern, interactive).
std::optional<EndedStep> step_of(spank_t handle) {
    EndedStep step;
    std::uint32_t job = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    if (spank_get_item(handle, S_JOB_ID, &job) != ESPANK_SUCCESS ||
        spank_get_item(handle, S_JOB_STEPID, &step.step) != ESPANK_SUCCESS ||
        spank_get_item(handle, S_JOB_UID, &uid) != ESPANK_SUCCESS ||
        spank_get_item(handle, S_JOB_GID, &gid) != ESPANK_SUCCESS)
        return std::nullopt;
    if (step.step >= SLURM_MAX_NORMAL_STEP_ID) return std::nullopt;
    gid_t* groups = nullptr;
    int count = 0;
    if (spank_get_item(handle, S_JOB_SUPPLEMENTARY_GIDS, &groups, &count) == ESPANK_SUCCESS && groups)
        step.owner.groups.assign(groups, groups + count);
    step.owner.uid = uid;
    step.owner.gid = gid;
    step.jobs.push_back(std::to_string(job));
    // Directories carry SLURM_JOB_ID, which for a heterogeneous job is the leader's. The user can set it to
    // anything; it only chooses among the user's own directories.
    char leader[32] = "";
    if (spank_getenv(handle, "SLURM_JOB_ID", leader, sizeof leader) == ESPANK_SUCCESS &&
        leader != step.jobs[0] &&
        std::string_view(leader).find_first_not_of("0123456789") == std::string_view::npos)
        step.jobs.emplace_back(leader);
    return step;
}

/// A broken file is job_submit's and `railhead config check`'s to report; here the defaults hold then.
Settings site_settings() {
    auto loaded = load_settings(site_settings_file, "", Environment());
    return loaded ? loaded->settings : Settings();
}

/// Takes the directory that the launch was given by its user, as its supervisor tells it in the step's
/// environment. True when it is another than the site's. What the site does not allow is no directory.
bool take_users_tmp(spank_t handle, Settings& settings) {
    char text[64] = "";
    auto name = environment_name_of(row_of(Key::launch_tmp));
    auto before = settings.text(Key::launch_tmp);
    if (spank_getenv(handle, name.c_str(), text, sizeof text) != ESPANK_SUCCESS) return false;
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
