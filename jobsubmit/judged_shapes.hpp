#pragma once
#include "rules/placement.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// What is said of a submission, and asked for it, on its way.
struct Said {
    std::string message;            ///< for the user; empty: nothing
    std::vector<std::string> lines; ///< for the log
    std::optional<Placement> placement;
};

/// Shapes of submissions (abi::shape_of) that a view has accepted, and what it said of them: users submit
/// the same few over and over, and judging one anew costs slurmctld ten times what looking it up does, for it
/// must fetch the rules' code and data from memory. Two shapes in 2^64 are taken for each other: then a job
/// is accepted unchecked, or with another one's warning, never refused. 0 is no shape. Any number of threads,
/// without lock.
class JudgedShapes {
  public:
    JudgedShapes() = default;
    JudgedShapes(const JudgedShapes&) = delete;
    JudgedShapes& operator=(const JudgedShapes&) = delete;
    ~JudgedShapes() {
        for (auto& slot : spoken_of_) delete slot.load();
    }

    /// Accepted without a word.
    bool is_silent(std::uint64_t shape) const {
        return shape != 0 && silent_[shape % silent_.size()].load() == shape;
    }
    /// May be forgotten for another shape.
    void add_silent(std::uint64_t shape) {
        if (shape != 0) silent_[shape % silent_.size()].store(shape);
    }

    /// Null: nothing is known. Valid as long as this object.
    const Said* said_of(std::uint64_t shape) const {
        const auto* entry = shape != 0 ? spoken_of_[shape % spoken_of_.size()].load() : nullptr;
        return entry && entry->shape == shape ? &entry->said : nullptr;
    }
    /// Is not kept where another shape has taken the place.
    void add(std::uint64_t shape, Said said) {
        if (shape == 0) return;
        auto entry = std::make_unique<const Entry>(Entry{shape, std::move(said)});
        const Entry* none = nullptr;
        if (spoken_of_[shape % spoken_of_.size()].compare_exchange_strong(none, entry.get()))
            (void)entry.release();
    }

  private:
    struct Entry {
        std::uint64_t shape;
        Said said;
    };
    std::array<std::atomic<std::uint64_t>, 1024> silent_{};
    std::array<std::atomic<const Entry*>, 256> spoken_of_{};
};

} // namespace railhead
