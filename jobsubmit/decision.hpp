#pragma once
#include "jobsubmit/refresher.hpp"
#include "rules/judge.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// Seconds since the epoch, all of them.
struct Moment {
    std::int64_t now = 0;
    std::optional<std::int64_t> last_change; ///< of the partitions, as slurmctld itself says; absent: unknown
};

/// A snapshot may refuse and move jobs if it was taken after the last change of the partitions (in a later
/// second) and the refresher is not stuck; where the time of that change is unknown, if it is a few seconds
/// old.
bool is_fresh(const View& view, const Moment& moment);

/// What job_submit does with a job.
struct Decision {
    bool refuse = false;
    std::string message;           ///< for the user, a line per finding; empty: nothing to say
    std::vector<Finding> verdicts; ///< what the message says, for the log; fail: refused
    std::optional<Placement> placement;
    bool stale = false;   ///< accepted only because the view is missing or too old: wake the refresher
    std::string withheld; ///< what would have been said on a fresh view; for the log
};

/// Pure but for `may_override` (root, SlurmUser, operators: only warned), which is asked only before a
/// refusal.
Decision decide(const JobRequest& job, const View& view, const Moment& moment,
                const std::function<bool()>& may_override);

} // namespace railhead
