#include "jobsubmit/decision.hpp"

namespace railhead {
namespace {

/// How old a view may be that refuses where slurmctld does not tell of changes, or not of which node.
constexpr double young_s = 5;

std::string line_for(const Finding& finding) {
    return (finding.level == Level::fail ? "railhead: " : "railhead: warning: ") + sentence(finding) + " [" +
           finding.id + "]";
}

std::string told(const Placement& placement) {
    return "railhead: placed compactly: " + option_of(placement) + " [rail-placement]";
}

/// It may be a limit of the partition, which a QOS may have been allowed to pass since the view.
bool qos_may_lift(const Finding& finding) {
    return finding.id == "time-limit" || finding.id == "gpus-total";
}

/// Leaves of the refusals what holds whatever features the nodes have been given since the view, and
/// whichever have come back; false when that is none.
bool holds_with_other_nodes(Judgement& judgement, JobRequest job, const View& view, double age_s) {
    auto only_warn = [&] {
        for (auto& finding : judgement.findings) finding.level = Level::warn;
        return false;
    };
    if (!job.features.empty()) {
        job.features.clear();
        auto sure = judge(job, *view.inventory, *view.settings);
        if (!refuses(sure.findings)) return only_warn();
        judgement = std::move(sure);
    }
    return judgement.by_down_nodes && age_s > young_s ? only_warn() : true;
}

} // namespace

bool is_fresh(const View& view, const Moment& moment, bool names_reservation) {
    if (!view.inventory) return false;
    auto age = moment.now_s - view.loaded_s;
    if (moment.changes.partitions == 0) return age <= young_s;
    // Two intervals and a minute for slow RPCs; older than that, the refresher is stuck.
    auto oldest = 2 * view.settings->seconds(Key::submit_refresh) + 60;
    return age <= oldest && moment.changes.partitions == view.changes.partitions &&
           (!names_reservation || moment.changes.reservations == view.changes.reservations);
}

Decision decide(const JobRequest& job, const View& view, const Moment& moment,
                const std::function<bool()>& may_override) {
    Decision decision;
    if (!view.inventory) {
        decision.stale = true;
        return decision;
    }
    auto judgement = judge(job, *view.inventory, *view.settings);
    if (judgement.findings.empty() && !judgement.placement) return decision;
    decision.stale = !is_fresh(view, moment, !job.reservation.empty());
    auto age_s = moment.now_s - view.loaded_s;
    if (moment.changes.nodes != view.changes.nodes && !decision.stale && refuses(judgement.findings))
        decision.doubted = !holds_with_other_nodes(judgement, job, view, age_s);
    for (auto& finding : judgement.findings) {
        bool refused = finding.level == Level::fail && !decision.stale;
        if (refused && may_override()) {
            finding.level = Level::warn;
            decision.overridden = true;
            refused = false;
        }
        decision.refuse = decision.refuse || refused;
        if (refused && qos_may_lift(finding) && age_s > young_s) decision.doubted = true;
        auto& text = decision.stale ? decision.withheld : decision.message;
        if (!text.empty()) text += '\n';
        text += line_for(finding);
        if (!decision.stale) decision.verdicts.push_back(finding);
    }
    if (decision.stale || decision.refuse || !judgement.placement) return decision;
    decision.placement = judgement.placement;
    if (view.settings->text(Key::submit_placement_told) == "on")
        decision.message += (decision.message.empty() ? "" : "\n") + told(*judgement.placement);
    return decision;
}

} // namespace railhead
