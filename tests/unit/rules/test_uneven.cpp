#include "rules/uneven.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace uneven_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = uneven_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(Uneven, asks_for_a_count_per_node) {
    EXPECT_EQ(verdict(on(asks(Per::job, "h100", 12), 2)),
              "gpu:h100:12 need not be spread evenly over 2 nodes; try --nodes=2 --gpus-per-node=h100:6");
    EXPECT_EQ(
        verdict(on(asks(Per::job, "", 9), 2)),
        "gpu:9 does not come out even over 2 nodes; say how many each node gives, with --gpus-per-node");
    EXPECT_EQ(verdict(asks(Per::job, "", 16)),
              "gpu:16 need not be spread evenly over 2 nodes; try --nodes=2 --gpus-per-node=8");
}

TEST(Uneven, accepts_what_can_only_be_even) {
    EXPECT_EQ(verdict(on(asks(Per::job, "", 16), 2)), "accepted") << "all that two nodes have";
    EXPECT_EQ(verdict(on(asks(Per::job, "", 4), 4)), "accepted") << "each node of a job gives one";
    EXPECT_EQ(verdict(asks(Per::job, "", 8)), "accepted") << "one node may do";
    EXPECT_EQ(verdict(on(asks(Per::node, "", 5), 2)), "accepted");
}

TEST(Uneven, names_no_number_of_nodes_that_a_job_cannot_have) {
    auto limited = cluster();
    limited.partitions[0].max_nodes = 3;
    EXPECT_NE(verdict(asks(Per::job, "", 23), limited), "accepted");
    EXPECT_EQ(verdict(asks(Per::job, "", 25), limited), "accepted") << "gpus-total's";
    EXPECT_EQ(verdict(on(asks(Per::job, "", 17), 2), limited), "accepted") << "gpus-per-node's";
}

} // namespace uneven_test
