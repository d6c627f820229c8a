#pragma once
#include <cstdint>
#include <optional>

namespace railhead {

/// Tells whether a failed process was a victim of the kernel's OOM killer, by the step's counter of kills.
/// Each kill explains one failure, and only one that follows within seconds: a kill that a program survived
/// explains nothing later.
class OomWatch {
  public:
    static constexpr double explains_s = 15;
    /// `kills`: the counter now, `now_s`: monotonic time.
    void sample(std::uint64_t kills, double now_s);
    bool explains_failure(double now_s);
    /// Since the last kill; absent: there was none since `since_s`.
    std::optional<double> last_ago_s(double since_s, double now_s) const {
        return all_ > 0 && at_s_ >= since_s ? std::optional(now_s - at_s_) : std::nullopt;
    }
    std::uint64_t all() const { return all_; } ///< kills since the first sample

  private:
    std::optional<std::uint64_t> seen_;
    std::uint64_t unexplained_ = 0, all_ = 0;
    double at_s_ = 0;
};

} // namespace railhead
