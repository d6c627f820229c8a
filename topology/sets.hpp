#pragma once
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace railhead::topology {

constexpr std::uint32_t none = UINT32_MAX;

/// Disjoint sets of 0 .. n-1; a set's root is its smallest member.
class DisjointSets {
  public:
    explicit DisjointSets(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0U); }

    std::uint32_t root(std::uint32_t member) {
        while (parent_[member] != member) member = parent_[member] = parent_[parent_[member]];
        return member;
    }
    void join(std::uint32_t a, std::uint32_t b) {
        a = root(a), b = root(b);
        if (a > b) std::swap(a, b);
        parent_[b] = a;
    }

  private:
    std::vector<std::uint32_t> parent_;
};

/// For each of n keys a list of values, in one piece of memory.
class Lists {
  public:
    /// `each(add)` is called twice and calls add(key, value) alike both times.
    template <class Each>
    Lists(std::size_t n, Each each) : begin_(n + 1) {
        each([&](std::uint32_t key, std::uint32_t) { ++begin_[key + 1]; });
        std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
        values_.resize(begin_.back());
        auto next = begin_;
        each([&](std::uint32_t key, std::uint32_t value) { values_[next[key]++] = value; });
    }

    struct Range {
        const std::uint32_t *first, *last;
        const std::uint32_t* begin() const { return first; }
        const std::uint32_t* end() const { return last; }
        std::size_t size() const { return static_cast<std::size_t>(last - first); }
    };
    Range operator[](std::size_t key) const {
        return {values_.data() + begin_[key], values_.data() + begin_[key + 1]};
    }
    std::size_t size() const { return begin_.size() - 1; }

  private:
    std::vector<std::uint32_t> begin_, values_;
};

/// Two sets of which more than half of what is in either is in both.
inline bool mostly_coincide(std::size_t one, std::size_t other, std::size_t common) {
    return 2 * common > one + other - common;
}

/// Of what is in either.
enum class Likeness : std::uint8_t { more_than_half, three_quarters };

/// Joins those of the sets 0 .. n-1 that mostly coincide, or more closely. `members[s]` is what set s holds,
/// each once, and `sets[m]` which sets hold m.
///
/// Two that coincide have more than half of either in common, so they share one of the rarer half of each.
/// Only what shares such a one is compared, and of those that are joined already nothing is: the time is
/// about that of going through the members, also where all sets hold one that tells nothing.
DisjointSets join_coinciding(const Lists& members, const Lists& sets,
                             Likeness likeness = Likeness::more_than_half);

} // namespace railhead::topology
