#include "jobsubmit/plugin.hpp"

#include "base/clock.hpp"
#include "jobsubmit/decision.hpp"
#include "rules/verdict_line.hpp"
#include "slurm/abi/inventory.hpp"
#include "slurm/abi/memory.hpp"
#include "slurm/abi/request.hpp"

#include <atomic>
#include <ctime>

extern "C" {
// Of slurmctld itself, all versions; weak, so that a version without them only changes what is known.
/// src/slurmctld/partition_mgr.c: time of the last change of a partition or of the configuration.
[[gnu::weak]] extern time_t last_part_update;
/// src/slurmctld/reservation.c: time of the last change of a reservation.
[[gnu::weak]] extern time_t last_resv_update;
/// src/common/node_conf.c: time of the last change of a node.
[[gnu::weak]] extern time_t last_node_update;
/// src/slurmctld/proc_req.c: root, SlurmUser, operators and administrators.
[[gnu::weak]] bool validate_operator(uid_t uid);
}

namespace railhead::jobsubmit {
namespace {

/// The plugin's one state; never destroyed, for the refresher may outlive exit's destructors.
struct State {
    std::optional<Refresher> refresher;
    std::atomic<bool> stale_said{false}; ///< once per stale period
};

/// There before each life of the plugin and after it: the library stays mapped (-z nodelete).
constinit SilentShapes silent_shapes;

State& state() {
    static State& only = *new State;
    return only;
}

void log(Level level, const std::string& text) {
    if (level == Level::info)
        slurm_info("job_submit/railhead: %s", text.c_str());
    else
        slurm_error("job_submit/railhead: %s", text.c_str());
}

/// 0: this slurmctld does not tell. It writes them under locks that we need not hold.
std::int64_t moment_at(const time_t* time) {
    return time ? *const_cast<const volatile time_t*>(time) : 0;
}

Changes changes() {
    return {moment_at(&last_part_update), moment_at(&last_resv_update), moment_at(&last_node_update)};
}

Moment now() {
    return {monotonic_s(), changes()};
}

bool may_override(std::uint32_t uid, const View& view) {
    if (uid == 0 || (view.inventory && uid == view.inventory->slurm_user)) return true;
    return validate_operator && validate_operator(uid);
}

void say_once_if_stale(const Decision& decision) {
    auto& said = state().stale_said;
    if (!decision.stale) {
        said.store(false);
        return;
    }
    state().refresher->wake();
    if (said.exchange(true)) return;
    log(Level::info, "has no fresh view of the cluster; jobs are accepted unchecked until it has" +
                         (decision.withheld.empty() ? "" : " (withheld: " + decision.withheld + ")"));
}

Decision decision_for(const JobRequest& job, std::uint32_t uid, const View& view) {
    auto moment = now();
    // Reservations change often where they replace their nodes: one is looked at when a job wants it.
    if (!job.reservation.empty() && moment.changes.reservations != view.changes.reservations)
        state().refresher->wake();
    auto decision = decide(job, view, moment, [&] { return may_override(uid, view); });
    if (decision.doubted) state().refresher->wake();
    say_once_if_stale(decision);
    return decision;
}

/// Asks Slurm for the placement, and leaves word of it in what administrators see of the job.
void place(job_desc_msg_t& job, const Placement& placement) {
    if (placement.leaves > 0) {
        job.req_switch = placement.leaves;
        job.wait4switch = placement.wait_seconds;
    }
#if RAILHEAD_HAS_SEGMENT
    if (placement.segment > 0) job.segment_size = static_cast<std::uint16_t>(placement.segment);
#endif
    std::string comment = job.admin_comment ? std::string(job.admin_comment) + "; " : "";
    abi::assign(job.admin_comment, comment + "railhead: " + option_of(placement));
}

/// A heterogeneous job comes as one call for each component, one after another in the same thread.
void add_earlier(JobRequest& request) {
    if (!request.het_offset || request.modify) return;
    thread_local std::vector<JobRequest>
        components; // RPCs mostly come in new threads: made where it is needed only
    if (*request.het_offset == 0) components.clear();
    request.earlier = components;
    components.push_back(request);
    components.back().earlier.clear();
}

void carry_out(const Said& said, job_desc_msg_t& job, char** message) {
    if (message && !said.message.empty()) abi::assign(*message, said.message);
    for (const auto& line : said.lines) log(Level::info, line);
    if (said.placement) place(job, *said.placement);
}

/// What Slurm itself says of such a job, or would if it ever said something: sbatch ends with its words.
int error_of(const Decision& decision) {
    const auto& id = decision.verdicts.front().id;
    if (id == "time-limit") return ESLURM_INVALID_TIME_LIMIT;
    if (id == "scalable-unit") return ESLURM_INVALID_NODE_COUNT;
    for (const auto* each : {"gpus-per-node", "gpus-total", "node-shape", "conflict"})
        if (id == each) return ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE;
    return ESLURM_INVALID_GRES;
}

/// Decides on a `job` that is not known to be accepted in silence; an error when it shall be refused. Not
/// inlined, so that the code of the common case is a few cache lines.
[[gnu::noinline]] int handle_other(const View& view, std::uint64_t shape, job_desc_msg_t& job, bool is_update,
                                   std::uint32_t uid, char** message) {
    if (shape != 0 && !abi::is_known_by_shape(job)) shape = 0;
    const auto spelled = abi::spelled_shape_of(job, shape);
    if (const auto* said = view.judged->said_of(spelled); said && is_fresh(view, now())) {
        carry_out(*said, job, message);
        return SLURM_SUCCESS;
    }
    auto request = abi::request_from(job, is_update);
    if (!request) return SLURM_SUCCESS; // Slurm has its own words for a GRES that cannot be read
    auto owner = request->uid == NO_VAL ? uid : request->uid; // an update does not name the job's user
    if (auto user = view.users.find(owner); user != view.users.end()) request->user = user->second;
    add_earlier(*request);
    auto decision = decision_for(*request, uid, view);
    Said said{.message = decision.message, .lines = {}, .placement = decision.placement};
    for (const auto& verdict : decision.verdicts) said.lines.push_back(verdict_line(verdict, *request, uid));
    carry_out(said, job, message);
    if (decision.silent())
        silent_shapes.add(shape);
    else if (decision.holds())
        view.judged->add(spelled, std::move(said));
    return decision.refuse ? error_of(decision) : SLURM_SUCCESS;
}

/// Decides on `job`; an error when it shall be refused.
[[gnu::hot]] int handle(job_desc_msg_t& job, bool is_update, std::uint32_t uid, char** message) {
    if (job.spank_job_env_size > 0 && abi::outlives_nodes(job)) job.kill_on_node_fail = 0; // as --no-kill
    const auto seed = silent_shapes.seed();
    const auto shape = is_update || seed == 0 ? 0 : abi::shape_of(job, uid, seed); // 0 is remembered by none
    if (silent_shapes.contains(shape) || !state().refresher) return SLURM_SUCCESS;
    return handle_other(*state().refresher->view(), shape, job, is_update, uid, message);
}

} // namespace

int start() {
    RefresherSources sources;
    sources.load = abi::load_inventory;
    // The configuration has been read, so slurmctld will soon answer; before that, an RPC only waits.
    sources.ready = [] { return !&last_part_update || changes().partitions > 0; };
    sources.changes = changes;
    sources.policy_file = site_settings_file;
    sources.log = log;
    sources.published = [] { silent_shapes.renew(); };
    silent_shapes.clear(); // of an earlier life
    state().refresher.emplace(std::move(sources));
    return SLURM_SUCCESS;
}

int stop() {
    silent_shapes.clear();
    constexpr double patience_s = 2; // an RPC in flight ends by itself; the code stays mapped (-z nodelete)
    if (state().refresher && !state().refresher->stop(patience_s))
        log(Level::info, "the background thread is still in a request to slurmctld and ends after it");
    state().refresher.reset();
    return SLURM_SUCCESS;
}

[[gnu::hot]] int submit(job_desc_msg_t& job, std::uint32_t uid, char** message) {
    return handle(job, false, uid, message);
}

int modify(job_desc_msg_t& update, std::uint32_t uid, char** message) {
    return handle(update, true, uid, message);
}

} // namespace railhead::jobsubmit
