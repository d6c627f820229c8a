#include "topology/sets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <random>
#include <set>

using namespace railhead::topology;

namespace {

using Sets = std::vector<std::set<std::uint32_t>>;

std::vector<std::uint32_t> joined(const Sets& sets, std::uint32_t members) {
    auto each = [&](auto add) {
        for (std::uint32_t set = 0; set < sets.size(); ++set)
            for (auto member : sets[set]) add(set, member);
    };
    const Lists of_set(sets.size(), each);
    const Lists of_member(members, [&](auto add) { each([&](auto set, auto member) { add(member, set); }); });
    auto found = join_coinciding(of_set, of_member);
    std::vector<std::uint32_t> roots;
    for (std::uint32_t set = 0; set < sets.size(); ++set) roots.push_back(found.root(set));
    return roots;
}

std::vector<std::uint32_t> joined_by_all_pairs(const Sets& sets) {
    DisjointSets found(sets.size());
    for (std::uint32_t one = 0; one < sets.size(); ++one)
        for (std::uint32_t other = 0; other < one; ++other) {
            auto is_in_both = [&](auto member) { return sets[other].contains(member); };
            const auto common = std::count_if(sets[one].begin(), sets[one].end(), is_in_both);
            if (mostly_coincide(sets[one].size(), sets[other].size(), static_cast<std::size_t>(common)))
                found.join(one, other);
        }
    std::vector<std::uint32_t> roots;
    for (std::uint32_t set = 0; set < sets.size(); ++set) roots.push_back(found.root(set));
    return roots;
}

double seconds_to_join(const Sets& sets, std::uint32_t members, std::size_t expected) {
    const auto began = std::clock();
    const auto roots = joined(sets, members);
    EXPECT_EQ(std::set(roots.begin(), roots.end()).size(), expected);
    return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
}

} // namespace

TEST(Sets, are_joined_as_comparing_all_pairs_joins_them) {
    for (unsigned seed = 0; seed < 2000; ++seed) {
        std::mt19937 dice(seed);
        auto at_most = [&](std::uint32_t most) { return static_cast<std::uint32_t>(dice()) % (most + 1); };
        const auto members = 4 + at_most(20);
        Sets kinds(1 + at_most(5)), sets;
        for (auto& kind : kinds)
            for (auto count = at_most(8); count > 0; --count) kind.insert(at_most(members - 1));
        for (auto count = at_most(30); count > 0; --count) { // each one alike but for some
            sets.push_back(kinds[at_most(static_cast<std::uint32_t>(kinds.size()) - 1)]);
            for (auto changes = at_most(3); changes > 0; --changes)
                if (auto member = at_most(members - 1); !sets.back().erase(member))
                    sets.back().insert(member);
        }
        ASSERT_EQ(joined(sets, members), joined_by_all_pairs(sets)) << seed;
    }
}

TEST(Sets, of_which_two_hundred_thousand_share_one_member_are_joined_at_once) {
    constexpr std::uint32_t number = 200'000;
    EXPECT_LT(seconds_to_join(Sets(number, {0}), 1, 1), 5);
    Sets with_own(number, {0});
    for (std::uint32_t set = 0; set < number; ++set) with_own[set].insert(set + 1);
    EXPECT_LT(seconds_to_join(with_own, number + 1, number), 5);
}

TEST(Sets, of_which_each_lacks_another_member_are_joined_at_once) {
    std::mt19937 dice(1);
    Sets sets(20'000);
    for (auto& set : sets)
        for (std::uint32_t member = 0; member < 32; ++member)
            if (dice() % 20 != 0) set.insert(member);
    EXPECT_LT(seconds_to_join(sets, 32, 1), 5);
}
