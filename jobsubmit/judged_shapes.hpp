#pragma once
#include "rules/placement.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace railhead {

/// What is said of a submission, and asked for it, on its way.
struct Said {
    std::string message;            ///< for the user; empty: nothing
    std::vector<std::string> lines; ///< for the log
    std::optional<Placement> placement;
};

// Shapes of submissions (abi::shape_of), remembered because users submit the same few over and over, and
// judging one anew costs slurmctld ten times what looking it up does, for it must fetch the rules' code and
// data from memory. Two shapes in 2^64 are taken for each other: then a job is accepted unchecked, or with
// another one's warning, never refused. 0 is no shape. Any number of threads, without lock.

/// What is accepted without a word. There is one of them, and it is no part of a view: the common submission
/// reads its seed and one slot, and nothing else that slurmctld would have to fetch from memory.
class alignas(4096) SilentShapes { // with the seed one page
  public:
    /// Of abi::shape_of, another one after each `renew`; 0: there is no view, and nothing is silent.
    std::uint64_t seed() const { return seed_.load(); }
    /// Forgets everything; after a view was published, so that what is added under the new seed has been
    /// judged by that view or a later one.
    void renew() { seed_.store(std::random_device()() | std::uint64_t{std::random_device()()} << 32); }
    void clear() { seed_.store(0); }

    bool contains(std::uint64_t shape) const {
        return shape != 0 && slots_[shape % slots_.size()].load() == shape;
    }
    /// May be forgotten for another shape.
    void add(std::uint64_t shape) {
        if (shape != 0) slots_[shape % slots_.size()].store(shape);
    }

  private:
    std::atomic<std::uint64_t> seed_{0};
    std::array<std::atomic<std::uint64_t>, 511> slots_{};
};

/// What one view has said of shapes that it accepted.
class JudgedShapes {
  public:
    JudgedShapes() = default;
    JudgedShapes(const JudgedShapes&) = delete;
    JudgedShapes& operator=(const JudgedShapes&) = delete;
    ~JudgedShapes() {
        for (auto& slot : slots_) delete slot.load();
    }

    /// Null: nothing is known. Valid as long as this object.
    const Said* said_of(std::uint64_t shape) const {
        const auto* entry = shape != 0 ? slots_[shape % slots_.size()].load() : nullptr;
        return entry && entry->shape == shape ? &entry->said : nullptr;
    }
    /// Is not kept where another shape has taken the place.
    void add(std::uint64_t shape, Said said) {
        if (shape == 0) return;
        auto entry = std::make_unique<const Entry>(Entry{shape, std::move(said)});
        const Entry* none = nullptr;
        if (slots_[shape % slots_.size()].compare_exchange_strong(none, entry.get())) (void)entry.release();
    }

  private:
    struct Entry {
        std::uint64_t shape;
        Said said;
    };
    std::array<std::atomic<const Entry*>, 256> slots_{};
};

} // namespace railhead
