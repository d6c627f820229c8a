#pragma once
#include <chrono>
#include <optional>

namespace railhead {

/// Notices that this process itself stood still: it was stopped with its job (scontrol suspend), or frozen.
/// The silence of that time was ours, and says nothing of the peer.
class OwnPause {
  public:
    using Clock = std::chrono::steady_clock;
    /// `every`: how often look() is called while this process runs.
    explicit OwnPause(Clock::duration every) : usual_(every + slack) {}

    /// How long this process has stood still since the last look; zero when it has not, or is only busy.
    Clock::duration look(Clock::time_point now) {
        auto gap = now - last_.value_or(now);
        last_ = now;
        return gap > usual_ ? gap : Clock::duration::zero();
    }

  private:
    static constexpr auto slack = std::chrono::seconds(1);
    Clock::duration usual_;
    std::optional<Clock::time_point> last_;
};

} // namespace railhead
