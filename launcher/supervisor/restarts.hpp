#pragma once
#include "base/error.hpp"
#include "launcher/supervisor/outcome.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// What the loss of a node means (launch.on_loss).
struct OnLoss {
    enum class What {
        fail,
        shrink, ///< goes on with the nodes that are left, `nodes` at least
        spare,  ///< `nodes` of the job are kept idle for it
        requeue ///< the job goes back to the queue, without that node
    } what = What::fail;
    int nodes = 0;
    std::string text = "fail"; ///< as it was given
};
/// "fail", "shrink:2", "spare:1", "requeue". Error (usage).
Result<OnLoss> on_loss_from(const std::string& text);

/// How often each kind of cause (Cause::kind) is started again (launch.restarts).
using Budgets = std::map<std::string, int, std::less<>>;
/// "3": for each kind that another start may cure. "exit:2,out-of-memory:1": for these. "3,exit:1": both, and
/// what names a kind wins. Error (usage): also where something is said twice.
Result<Budgets> budgets_from(const std::string& text);

/// Whether a launch that ended starts again inside its allocation. Pure.
class Restarts {
  public:
    Restarts(OnLoss on_loss, Budgets budgets, int nodes);

    /// Of so many that are there.
    int nodes_to_use(int present) const;
    bool enough(int present) const { return present >= least_; }

    struct Again {
        double after_s = 0;
        std::string text; ///< "starting again in 2 s (restart 1 of 3)"
    };
    /// `stuck`: as no_progress() says it. Without an answer this is the end, and the outcome says so if it
    /// was because of a bound.
    std::optional<Again> after(Outcome& outcome, int present, const std::string& stuck);

    /// The ends that were not the last.
    const std::vector<Cause>& causes() const { return causes_; }

  private:
    std::optional<Again> after_loss(Outcome& outcome, int present);
    std::optional<Again> after_port(const Outcome& outcome);

    OnLoss on_loss_;
    Budgets budgets_;
    int least_;
    std::map<std::string, int, std::less<>> used_;
    std::vector<Cause> causes_;
};

} // namespace railhead
