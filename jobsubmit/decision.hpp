#pragma once
#include "jobsubmit/refresher.hpp"
#include "rules/judge.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

struct Moment {
    double now_s = 0; ///< monotonic
    Changes changes;
};

/// A view may refuse and move jobs if the partitions have not changed since its load began, nor, for a job
/// that names one, the reservations, and the refresher is not stuck; where slurmctld does not tell of
/// changes, if it is a few seconds old.
bool is_fresh(const View& view, const Moment& moment, bool names_reservation = false);

/// What job_submit does with a job.
struct Decision {
    bool refuse = false;
    std::string message;           ///< for the user, a line per finding; empty: nothing to say
    std::vector<Finding> verdicts; ///< what the message says, for the log; fail: refused
    std::optional<Placement> placement;
    bool doubted =
        false;          ///< by now the controller might say otherwise, and would not tell: wake the refresher
    bool stale = false; ///< accepted only because the view is missing or too old: wake the refresher
    bool overridden = false; ///< accepted for who asks: the same from another one would be refused
    std::string withheld;    ///< what would have been said on a fresh view; for the log

    /// Nothing is said or done, and would not be on a fresh view either.
    bool silent() const { return !stale && message.empty() && verdicts.empty() && !placement; }
    /// Accepted, and the next one like it may be told the same as long as the view is fresh.
    bool holds() const { return !stale && !refuse && !doubted && !overridden; }
};

/// What only the job's constraint makes wrong is warned of, not refused, if any node has changed since the
/// view: it may have been given the feature, and slurmctld does not tell more. So it is with nodes that were
/// down where policy ignores those, once the view is a few seconds old. Of QOS it tells nothing at all: what
/// one might have been allowed since is refused, and looked at again before the next such job.
///
/// Pure but for `may_override` (root, SlurmUser, operators: only warned), which is asked only before a
/// refusal.
Decision decide(const JobRequest& job, const View& view, const Moment& moment,
                const std::function<bool()>& may_override);

} // namespace railhead
