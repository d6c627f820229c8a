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

TEST(Score, counts_a_node_once_however_often_it_comes) {
    auto found = score({{{"a", "p", {"n1"}}, {"b", "p", {"n2", "n3"}}}}, {"n2", "n2", "n3", "x", "x"});
    EXPECT_EQ(found.nodes, 3U);
    EXPECT_EQ(found.unknown.size(), 1U);
    EXPECT_EQ(found.least_groups, 1U);
    EXPECT_THAT(found.spread, ElementsAre(Pair("b", 2)));
    EXPECT_EQ(score(placed, {"n9", "n10", "n9", "n10", "n9"}).least_groups, 1U);
    EXPECT_EQ(score(placed, {"n1", "n5", "n1", "n5"}).ring_edges, 4U) << "ranks stay in their order";
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

TEST(RankOrder, goes_pod_by_pod_however_the_lines_of_a_file_are_mixed) {
    auto conf = read_topology_conf("SwitchName=l1 Nodes=n[1-2]\nSwitchName=l2 Nodes=n[3-4]\n"
                                   "SwitchName=l3 Nodes=n[5-6]\nSwitchName=l4 Nodes=n[7-8]\n"
                                   "SwitchName=p1 Switches=l[1,3]\nSwitchName=p2 Switches=l[2,4]\n"
                                   "SwitchName=r Switches=p[1-2]\n");
    ASSERT_TRUE(conf);
    EXPECT_THAT(rank_order(placed_in(*conf), {"n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"}),
                ElementsAre("n1", "n2", "n5", "n6", "n3", "n4", "n7", "n8"));
    EXPECT_EQ(placed_in(*conf).groups[1].pod, "p1");
}

TEST(RankOrder, goes_through_pods_of_a_zone_and_takes_blocks_and_circles_as_they_come) {
    auto groups = [](const char* text) {
        std::string names;
        for (const auto& group : placed_in(*read_topology_conf(text)).groups) names += group.name + " ";
        return names;
    };
    EXPECT_EQ(
        groups("SwitchName=a Nodes=n1\nSwitchName=b Nodes=n2\nSwitchName=c Nodes=n3\n"
               "SwitchName=p1 Switches=a\nSwitchName=p2 Switches=b\nSwitchName=p3 Switches=c\n"
               "SwitchName=z1 Switches=p1,p3\nSwitchName=z2 Switches=p2\nSwitchName=r Switches=z[1-2]\n"),
        "a c b ");
    EXPECT_EQ(groups("BlockName=b Nodes=n1\nBlockName=a Nodes=n2\n"), "b a ");
    EXPECT_EQ(groups("SwitchName=a Nodes=n1\nSwitchName=x Switches=a,y\nSwitchName=y Switches=x\n"), "a ");
}
