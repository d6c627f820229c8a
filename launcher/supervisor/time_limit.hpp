#pragma once
#include "base/child.hpp"
#include "base/clock.hpp"
#include "base/environment.hpp"
#include "launcher/supervisor/outcome.hpp"
#include "slurm/allocation.hpp"

#include <asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace railhead {

/// Whether the job is at its time limit, for Slurm ends it there as scancel does. `scontrol update` moves the
/// limit while the job runs, so the end that was known at the start is asked for again: when it comes, and
/// when the launch is told to end. Nobody waits for the answers. The thread of `io`.
class TimeLimit {
  public:
    /// The allocation's end holds until Slurm says another. `on_word`: Slurm has said something.
    TimeLimit(asio::io_context& io, const Environment& environment, const Allocation& allocation,
              std::function<void()> on_word);
    ~TimeLimit();
    TimeLimit(const TimeLimit&) = delete;
    TimeLimit& operator=(const TimeLimit&) = delete;

    /// As far as is known by now.
    bool reached() const;
    /// Seconds until it, as far as is known by now; absent: no limit, or not known.
    std::optional<double> left_s() const;
    /// Of a signal that ends the launch, as far as is known by now.
    Sender sender() const {
        return preempted_ ? Sender::preemption : reached() ? Sender::time_limit : Sender::unknown;
    }
    /// Preempted, but with time to go (GraceTime): Slurm has not ended the job yet, nor put it into its
    /// queue.
    bool preempted_and_runs() const { return preempted_ && runs_ && !heard_; }
    /// From time to time: asks once the known end is here, and again while the job goes on.
    void look();
    /// Asks slurmctld, unless it is being asked or Slurm has said that this is the limit.
    void ask();
    /// An answer is due, within 2 s.
    bool asking() const { return child_.has_value(); }
    /// A line on srun's standard error: slurmstepd says there why it ends the step, before it does so.
    void hear(std::string_view line);

  private:
    void await_answer();
    void take_answer();
    void stop_asking();

    const Environment& environment_;
    const Allocation& allocation_;
    std::function<void()> on_word_;
    std::optional<std::int64_t> end_time_; ///< seconds since 1970; absent: never
    bool heard_ = false, preempted_ = false, runs_ = false;
    std::optional<Child> child_; ///< scontrol
    UniqueFd answer_;            ///< what it writes
    Deadline answer_by_ = Deadline::in(0), next_look_ = Deadline::in(0);
    asio::steady_timer timer_;
};

} // namespace railhead
