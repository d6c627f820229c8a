#pragma once
#include <algorithm>

namespace railhead {

/// Seconds of a clock that never jumps (CLOCK_MONOTONIC); only differences mean something.
double monotonic_s();

/// Seconds since the epoch, for what people and other machines read.
double wall_s();

/// The end of a bounded wait.
class Deadline {
  public:
    static Deadline in(double seconds) { return Deadline(monotonic_s() + seconds); }

    bool passed() const { return left_s() <= 0; }
    double left_s() const { return std::max(0.0, at_s_ - monotonic_s()); }
    /// For poll(2): rounded up, so that a wait never ends just before its deadline and spins.
    int left_ms() const;

  private:
    explicit Deadline(double at_s) : at_s_(at_s) {}
    double at_s_;
};

} // namespace railhead
