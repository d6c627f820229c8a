#include "topology/placement.hpp"

#include <gmock/gmock.h>

using namespace railhead::topology;
using testing::ElementsAre;
using testing::Pair;

namespace {

const Placed placed{{{"su1", "pod1", {"n1", "n2", "n3", "n4"}},
                     {"su2", "pod1", {"n5", "n6", "n7", "n8"}},
                     {"su3", "pod2", {"n9", "n10"}}}};

} // namespace

TEST(Score, counts_groups_and_pods_against_the_fewest_possible) {
    auto found = score(placed, {"n1", "n2", "n5", "n9"});
    EXPECT_EQ(found.groups, 3U);
    EXPECT_EQ(found.least_groups, 1U);
    EXPECT_EQ(found.pods, 2U);
    EXPECT_EQ(found.least_pods, 1U);
    EXPECT_THAT(found.spread, ElementsAre(Pair("su1", 2), Pair("su2", 1), Pair("su3", 1)));
    EXPECT_EQ(score(placed, {"n1", "n2", "n3", "n4", "n5"}).least_groups, 2U);
}

TEST(Score, counts_the_edges_of_a_ring_that_leave_a_group) {
    EXPECT_EQ(score(placed, {"n1", "n5", "n2", "n6"}).ring_edges, 4U);
    EXPECT_EQ(score(placed, {"n1", "n2", "n5", "n6"}).ring_edges, 2U);
    EXPECT_EQ(score(placed, {"n1", "n2"}).ring_edges, 0U);
    EXPECT_EQ(score(placed, {"n1"}).ring_edges, 0U);
    EXPECT_EQ(score(placed, {}).ring_edges, 0U);
}

TEST(Score, counts_pairs_in_different_groups) {
    EXPECT_DOUBLE_EQ(score(placed, {"n1", "n2", "n5", "n6"}).all_to_all, 4.0 / 6);
    EXPECT_DOUBLE_EQ(score(placed, {"n1", "n2"}).all_to_all, 0);
    EXPECT_DOUBLE_EQ(score(placed, {"n1"}).all_to_all, 0);
}

TEST(Score, leaves_out_nodes_that_it_does_not_know) {
    auto found = score(placed, {"n1", "x"});
    EXPECT_EQ(found.unknown.size(), 1U);
    EXPECT_EQ(found.groups, 1U);
}

TEST(RankOrder, goes_group_by_group) {
    EXPECT_THAT(rank_order(placed, {"n10", "x", "n6", "n2", "n9", "n5", "n1"}),
                ElementsAre("n1", "n2", "n5", "n6", "n9", "n10", "x"));
}
