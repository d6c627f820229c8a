#include "rules/placement.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::testing;

namespace {

/// Leaves of partition gpu hold 16, 8 and 8 nodes.
std::optional<std::uint32_t> leaves_for(const JobRequest& job) {
    static const auto inventory = cluster();
    return least_leaves(job, inventory, inventory.partitions_of(job));
}

} // namespace

TEST(Placement, takes_the_fewest_leaves_that_hold_the_nodes) {
    EXPECT_EQ(leaves_for(on({}, 2)), 1u);
    EXPECT_EQ(leaves_for(on({}, 16)), 1u);
    EXPECT_EQ(leaves_for(on({}, 17)), 2u);
    EXPECT_EQ(leaves_for(on({}, 24)), 2u);
    EXPECT_EQ(leaves_for(on(asks(Per::node, "h100", 8), 2)), 1u);
}

TEST(Placement, leaves_a_job_alone_when_nothing_follows) {
    EXPECT_EQ(leaves_for(on({}, 1)), std::nullopt) << "one node is on one leaf";
    EXPECT_EQ(leaves_for(JobRequest{}), std::nullopt) << "node count unknown";
    EXPECT_EQ(leaves_for(on({}, 25)), std::nullopt) << "every leaf is needed";
    EXPECT_EQ(leaves_for(on({}, 33)), std::nullopt) << "more nodes than there are";
    EXPECT_EQ(leaves_for(in(on({}, 2), {"a100"})), std::nullopt) << "there is one leaf only";
    EXPECT_EQ(leaves_for(in(on({}, 2), {"mixed"})), std::nullopt) << "no leaf is known";
    EXPECT_EQ(leaves_for(on(asks(Per::node, "v100", 1), 2)), std::nullopt) << "no such GPU";
    auto named = on({}, 2);
    named.nodelist = "node1,node32";
    EXPECT_EQ(leaves_for(named), std::nullopt) << "the user chose the nodes";
}

TEST(Placement, does_not_count_excluded_nodes) {
    auto job = on({}, 16);
    job.exclude = "node[1-10]";
    EXPECT_EQ(leaves_for(job), 2u);
}

TEST(Placement, asks_for_what_can_be_met_in_each_partition) {
    EXPECT_EQ(leaves_for(in(on({}, 2), {"gpu", "a100"})), std::nullopt) << "a100 has no choice to make";
}
