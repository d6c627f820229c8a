#include "slurm/inventory.hpp"

#include <gmock/gmock.h>

using railhead::Inventory;
using railhead::InventoryBuilder;
using railhead::JobRequest;
using railhead::NodeClass;
using railhead::read_topology;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

NodeClass h100() {
    return {.gres = {{"gpu", "h100", 8}}, .cpus = 16, .memory_mib = 32000};
}

Inventory small_cluster() {
    InventoryBuilder builder;
    builder.add_node("node1", h100());
    builder.add_node("node2", h100());
    builder.add_node("login1", {});
    builder.add_partition({.name = "gpu", .is_default = true}, {"node1", "node2", "gone"});
    builder.add_partition({.name = "cpu"}, {"login1"});
    builder.add_leaf("leaf1", {"node2", "gone"});
    builder.inventory().reservations = {{"maintenance", "cpu"}, {"anywhere"}};
    return builder.take();
}

std::vector<std::string> names_for(const JobRequest& job) {
    static const auto inventory = small_cluster();
    std::vector<std::string> names;
    for (const auto* each : inventory.partitions_of(job)) names.push_back(each->name);
    return names;
}

} // namespace

TEST(Inventory, holds_nodes_that_are_alike_as_one_class) {
    auto inventory = small_cluster();
    EXPECT_EQ(inventory.classes.size(), 2u);
    EXPECT_EQ(inventory.partition("gpu")->class_sizes, (std::map<std::uint32_t, std::uint32_t>{{0, 2}}));
    EXPECT_FALSE(inventory.nodes[0].leaf);
    EXPECT_EQ(inventory.nodes[1].leaf, 0u);
}

TEST(Inventory, finds_the_partitions_as_slurm_does) {
    EXPECT_THAT(names_for({}), ElementsAre("gpu"));
    EXPECT_THAT(names_for({.partitions = {"cpu", "gpu"}}), ElementsAre("cpu", "gpu"));
    EXPECT_THAT(names_for({.reservation = "maintenance"}), ElementsAre("cpu"));
    EXPECT_THAT(names_for({.partitions = {"gpu"}, .reservation = "maintenance"}), ElementsAre("gpu"));
    EXPECT_THAT(names_for({.reservation = "anywhere"}), ElementsAre("gpu"));
}

TEST(Inventory, knows_what_the_default_qos_of_a_user_lifts) {
    InventoryBuilder builder;
    builder.inventory().qos = {{"normal", {}}, {"wide", {.nodes = true}}, {"long", {.time = true}}};
    builder.add_default_qos(1001, "normal");
    builder.add_default_qos(1002, "normal");
    builder.add_default_qos(1002, "wide");
    builder.add_default_qos(1003, "wide");
    builder.add_default_qos(1003, ""); // Slurm looks on for it
    builder.add_partition({.name = "slow", .qos = "long"}, {});
    auto inventory = builder.take();
    auto lifts = [&](std::uint32_t uid) { return inventory.lifts_of({.uid = uid}); };
    EXPECT_EQ(lifts(1001), railhead::QosLifts{});
    EXPECT_EQ(inventory.lifts_of({.partitions = {"slow"}, .uid = 1001}), (railhead::QosLifts{.time = true}));
    EXPECT_EQ(lifts(1002), (railhead::QosLifts{.nodes = true})) << "of one of two accounts";
    EXPECT_EQ(lifts(1003), std::nullopt);
    EXPECT_EQ(lifts(1004), std::nullopt);
}

TEST(Inventory, says_nothing_about_what_it_does_not_know) {
    EXPECT_THAT(names_for({.partitions = {"gpu", "new"}}), IsEmpty());
    EXPECT_THAT(names_for({.reservation = "new"}), IsEmpty());
    EXPECT_THAT(Inventory{}.partitions_of({}), IsEmpty());
}

TEST(Topology, takes_the_leaf_switches_of_a_tree) {
    auto leaves = read_topology("SwitchName=leaf1 Level=0 LinkSpeed=1 Nodes=node[1-2]\n"
                                "SwitchName=leaf2 Level=0 LinkSpeed=1 Nodes=node3\n"
                                "SwitchName=spine Level=1 LinkSpeed=1 Nodes=node[1-3] Switches=leaf[1-2]\n")
                      .leaves;
    ASSERT_EQ(leaves.size(), 2u);
    EXPECT_EQ(leaves[0].name, "leaf1");
    EXPECT_THAT(leaves[0].nodes, ElementsAre("node1", "node2"));
    EXPECT_THAT(leaves[1].nodes, ElementsAre("node3"));
}

TEST(Topology, takes_nothing_from_other_text) {
    EXPECT_THAT(read_topology("").leaves, IsEmpty());
    EXPECT_THAT(read_topology("SwitchName=leaf1 Level=0 Nodes=node[1\nSwitchName= Level=0").leaves,
                IsEmpty());
    EXPECT_THAT(read_topology("AggregatedBlock=b[1-2] BlockIndex=2 Nodes=node[1-8] BlockSize=8").leaves,
                IsEmpty());
}

TEST(Topology, takes_the_base_blocks_of_a_block_topology) {
    auto topology = read_topology("BlockName=b1 BlockIndex=0 Nodes=node[1-4] BlockSize=4\n"
                                  "BlockName=b2 BlockIndex=1 Nodes=node[5-8] BlockSize=4\n");
    EXPECT_EQ(topology.block_size, 4u);
    ASSERT_EQ(topology.leaves.size(), 2u);
    EXPECT_EQ(topology.leaves[1].name, "b2");
    EXPECT_EQ(topology.leaves[1].nodes.size(), 4u);
}

TEST(SchedulerParameters, tell_the_longest_wait_for_switches) {
    EXPECT_EQ(railhead::max_switch_wait_from("bf_interval=2,max_switch_wait=60,x"), 60u);
    EXPECT_EQ(railhead::max_switch_wait_from("bf_interval=2"), 300u);
    EXPECT_EQ(railhead::max_switch_wait_from("max_switch_wait=x"), 300u);
}
