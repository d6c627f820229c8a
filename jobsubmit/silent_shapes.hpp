#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace railhead {

/// Shapes of submissions (abi::shape_of) about which a view has nothing to say: users submit the same few
/// over and over, and judging one anew costs slurmctld ten times what looking it up does, for it must fetch
/// the rules' code and data from memory. A shape may be forgotten for another one. Two shapes in 2^64 are
/// taken for each other: then a job is accepted unchecked, never refused. Any number of threads, without
/// lock.
class SilentShapes {
  public:
    bool has(std::uint64_t shape) const { return shape != 0 && slot(shape).load() == shape; }
    void add(std::uint64_t shape) {
        if (shape != 0) slot(shape).store(shape);
    }

  private:
    using Slot = std::atomic<std::uint64_t>;
    const Slot& slot(std::uint64_t shape) const { return slots_[shape % slots_.size()]; }
    Slot& slot(std::uint64_t shape) { return slots_[shape % slots_.size()]; }

    std::array<Slot, 1024> slots_{};
};

} // namespace railhead
