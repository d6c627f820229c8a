#include "topology/sets.hpp"

#include <algorithm>
#include <tuple>

namespace railhead::topology {
namespace {

class Joiner {
  public:
    Joiner(const Lists& members, const Lists& sets, Likeness likeness)
        : members_(members), likeness_(likeness),
          rarer_(members.size(), [&](auto add) { each_of_rarer_half(sets, add); }),
          with_(sets.size(),
                [&](auto add) {
                    for (std::uint32_t set = 0; set < members.size(); ++set)
                        for (auto member : rarer_[set]) add(member, set);
                }),
          joined_(members.size()), marked_by_(sets.size(), none), met_by_(members.size(), none) {}

    DisjointSets joined() {
        join_with_first_ones();
        join_across();
        return std::move(joined_);
    }

  private:
    template <class Add>
    void each_of_rarer_half(const Lists& sets, Add add) const {
        std::vector<std::uint32_t> all;
        auto is_rarer = [&](std::uint32_t one, std::uint32_t other) {
            return std::tuple(sets[one].size(), one) < std::tuple(sets[other].size(), other);
        };
        for (std::uint32_t set = 0; set < members_.size(); ++set) {
            all.assign(members_[set].begin(), members_[set].end());
            const auto half = static_cast<std::ptrdiff_t>((all.size() + 1) / 2);
            std::nth_element(all.begin(), all.begin() + half, all.end(), is_rarer);
            std::for_each(all.begin(), all.begin() + half, [&](auto member) { add(set, member); });
        }
    }

    /// Calls what(other) once for each set beside `one` that may coincide with it and is not joined with it.
    template <class SetsOf, class Do>
    void each_candidate(std::uint32_t one, const SetsOf& sets_of, Do what) {
        for (auto member : rarer_[one])
            for (auto other : sets_of(member))
                if (std::exchange(met_by_[other], one) != one && may_coincide(one, other) &&
                    joined_.root(other) != joined_.root(one))
                    what(other);
    }
    bool may_coincide(std::uint32_t one, std::uint32_t other) const {
        const auto [less, more] = std::minmax({members_[one].size(), members_[other].size()});
        return 2 * less > more;
    }

    void join_if_coinciding(std::uint32_t one, std::uint32_t other) {
        std::size_t common = 0;
        for (auto member : members_[other]) common += marked_by_[member] == one ? 1 : 0;
        const auto one_size = members_[one].size(), other_size = members_[other].size();
        const bool are_alike = likeness_ == Likeness::three_quarters
                                   ? 4 * common >= 3 * (one_size + other_size - common)
                                   : mostly_coincide(one_size, other_size, common);
        if (are_alike) joined_.join(one, other);
    }
    void mark(std::uint32_t one) {
        for (auto member : members_[one]) marked_by_[member] = one;
    }

    /// Each set with the first ones of those before it: mostly that is all.
    void join_with_first_ones() {
        std::vector<std::vector<std::uint32_t>> firsts(with_.size()); // member -> sets
        for (std::uint32_t one = 0; one < members_.size(); ++one) {
            mark(one);
            bool is_first = true;
            each_candidate(
                one, [&](std::uint32_t member) -> const auto& { return firsts[member]; },
                [&](std::uint32_t other) {
                    join_if_coinciding(one, other);
                    is_first = is_first && joined_.root(one) != joined_.root(other);
                });
            if (!is_first) continue;
            for (auto member : rarer_[one]) firsts[member].push_back(one);
        }
    }

    /// Sets that share a member and are not joined yet.
    void join_across() {
        std::vector<bool> is_mixed(with_.size());
        for (std::size_t member = 0; member < with_.size(); ++member)
            for (auto set : with_[member])
                if (joined_.root(set) != joined_.root(*with_[member].begin())) is_mixed[member] = true;
        std::fill(marked_by_.begin(), marked_by_.end(), none);
        std::fill(met_by_.begin(), met_by_.end(), none);
        for (std::uint32_t one = 0; one < members_.size(); ++one) {
            mark(one);
            each_candidate(
                one,
                [&](std::uint32_t member) {
                    return is_mixed[member] ? with_[member] : Lists::Range{nullptr, nullptr};
                },
                [&](std::uint32_t other) { join_if_coinciding(one, other); });
        }
    }

    const Lists& members_;
    Likeness likeness_;
    Lists rarer_, with_; ///< set -> members, member -> sets
    DisjointSets joined_;
    std::vector<std::uint32_t> marked_by_, met_by_; ///< by member, by set: the last set that did
};

} // namespace

DisjointSets join_coinciding(const Lists& members, const Lists& sets, Likeness likeness) {
    return Joiner(members, sets, likeness).joined();
}

} // namespace railhead::topology
