#include "rules/placement.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace {

/// Leaves of partition gpu hold 16, 8 and 8 nodes.
std::optional<std::uint32_t> leaves_for(const JobRequest& job) {
    static const auto inventory = cluster();
    auto placement = compact_placement(job, inventory, inventory.partitions_of(job));
    return placement ? std::optional(placement->leaves) : std::nullopt;
}

/// Two blocks of 18 nodes whose base size is 16, and one of 8.
std::uint32_t segment_for(const JobRequest& job) {
    InventoryBuilder builder;
    std::vector<std::string> names;
    for (int i = 1; i <= 44; ++i) {
        names.push_back(fmt::format("n{}", i));
        builder.add_node(names.back(), {.gres = {{"gpu", "h100", 8}}, .cpus = 16});
    }
    builder.add_partition({.name = "gpu", .is_default = true}, names);
    builder.add_topology("BlockName=b1 BlockIndex=0 Nodes=n[1-18] BlockSize=16\n"
                         "BlockName=b2 BlockIndex=1 Nodes=n[19-36] BlockSize=16\n"
                         "BlockName=b3 BlockIndex=2 Nodes=n[37-44] BlockSize=16\n");
    auto inventory = builder.take();
    auto placement = compact_placement(job, inventory, inventory.partitions_of(job));
    return placement ? placement->segment : 0;
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

TEST(Placement, a_node_on_no_leaf_matters_only_while_the_job_can_use_it) {
    InventoryBuilder builder;
    for (std::string name : {"a1", "a2", "b1", "b2", "new"})
        builder.add_node(name, {.gres = {{"gpu", "h100", 8}}, .cpus = 16});
    builder.add_partition({.name = "gpu", .is_default = true}, {"a1", "a2", "b1", "b2", "new"});
    builder.inventory().reservations = {{.name = "old", .nodes = builder.indices_of({"a1", "a2", "b1"})}};
    builder.add_leaf("a", {"a1", "a2"});
    builder.add_leaf("b", {"b1", "b2"});
    auto inventory = builder.take();
    auto leaves = [&](const JobRequest& job) {
        auto placement = compact_placement(job, inventory, inventory.partitions_of(job));
        return placement ? placement->leaves : 0;
    };
    auto job = on({}, 2);
    EXPECT_EQ(leaves(job), 0u);
    job.exclude = "new";
    EXPECT_EQ(leaves(job), 1u);
    job.exclude = "new,b2,a[1-2]";
    EXPECT_EQ(leaves(job), 0u) << "one node is left";
    job.exclude = "";
    job.reservation = "old";
    EXPECT_EQ(leaves(job), 1u);
    job.exclude = "a1,new";
    EXPECT_EQ(leaves(job), 0u) << "both leaves are needed";
}

TEST(Placement, asks_for_what_can_be_met_in_each_partition) {
    EXPECT_EQ(leaves_for(in(on({}, 2), {"gpu", "a100"})), 1u) << "a100 has but one";
    EXPECT_EQ(leaves_for(in(on({}, 17), {"a100", "gpu"})), 2u) << "a100 cannot have it";
    EXPECT_EQ(leaves_for(in(on({}, 25), {"a100", "gpu"})), std::nullopt) << "every leaf is needed";
    EXPECT_EQ(leaves_for(in(on({}, 2), {"gpu", "mixed"})), std::nullopt) << "no leaf of mixed is known";
}

TEST(Placement, cuts_a_job_into_the_largest_segments_that_blocks_hold) {
    EXPECT_EQ(segment_for(on({}, 2)), 2u);
    EXPECT_EQ(segment_for(on({}, 16)), 16u);
    EXPECT_EQ(segment_for(on({}, 18)), 9u) << "the base block is 16, whatever a block holds";
    EXPECT_EQ(segment_for(on({}, 32)), 16u);
    EXPECT_EQ(segment_for(on({}, 40)), 8u) << "2 + 2 + 1";
    EXPECT_EQ(segment_for(on({}, 17)), 0u) << "a prime number beyond the base block";
    EXPECT_EQ(segment_for(on({}, 42)), 0u) << "20 of 21 segments of 2: spare nodes do not count";
    EXPECT_EQ(segment_for(on({}, 1)), 0u);
    auto range = on({}, 4);
    range.nodes_min = 2;
    EXPECT_EQ(segment_for(range), 0u) << "the node count is not known";
    auto without = on({}, 36);
    without.exclude = "n[1-4]";
    without.nodes_min = without.nodes_max = 32;
    EXPECT_EQ(segment_for(without), 8u) << "0 + 1 + 0 of 16, but 1 + 2 + 1 of 8";
}

TEST(Placement, is_said_as_a_user_would_type_it) {
    EXPECT_EQ(option_of({.leaves = 2, .wait_seconds = 90}), "--switches=2@1:30");
    EXPECT_EQ(option_of({.segment = 4}), "--segment=4");
}
