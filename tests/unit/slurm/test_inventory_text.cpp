#include "slurm/inventory_text.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;

namespace {

const std::string text =
    "Configuration data as of 2026-11-25T12:00:00\n"
    "AccountingStorageType   = (null)\n"
    "MaxNodeCount            = 3\n"
    "SchedulerParameters     = bf_interval=2,max_switch_wait=60\n"
    "SlurmUser               = slurm(64030)\n"
    "NodeName=node1 Arch=x86_64 CPUAlloc=0 CPUEfctv=16 CPUTot=16 AvailableFeatures=nvme,ib ActiveFeatures=ib "
    "Gres=gpu:h100:8(S:0-1) RealMemory=32000 State=IDLE Partitions=gpu\n"
    "NodeName=node2 CPUTot=16 AvailableFeatures=(null) Gres=gpu:h100:8 RealMemory=32000 State=IDLE\n"
    "NodeName=cpu1 CPUTot=8 AvailableFeatures=(null) Gres=(null) RealMemory=16000 State=DOWN+CLOUD\n"
    "PartitionName=gpu AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL Default=YES DefaultTime=01:00:00 "
    "Hidden=NO MaxNodes=2 MaxTime=1-00:00:00 Nodes=node[1-2] RootOnly=NO ReqResv=NO OverSubscribe=EXCLUSIVE "
    "State=UP\n"
    "PartitionName=cpu AllowGroups=staff AllowAccounts=ALL AllowQos=ALL Default=NO DefaultTime=NONE "
    "Hidden=NO "
    "MaxNodes=UNLIMITED MaxTime=UNLIMITED Nodes=cpu1 RootOnly=NO ReqResv=NO OverSubscribe=NO State=UP\n"
    "ReservationName=mine StartTime=x Nodes=node1 PartitionName=(null) Flags=SPEC_NODES\n"
    "ReservationName=wide Nodes=node1 PartitionName=gpu Flags=FLEX,SPEC_NODES\n"
    "SwitchName=leaf1 Level=0 LinkSpeed=1 Nodes=node[1-2]\n";

} // namespace

TEST(InventoryText, has_what_the_controller_has) {
    auto read = inventory_from_text(text);
    ASSERT_TRUE(read) << sentence(read.error());
    ASSERT_EQ(read->nodes.size(), 3u);
    const auto& node = read->classes[read->nodes[0].node_class];
    EXPECT_EQ(node.gres, (std::vector<NodeGres>{{"gpu", "h100", 8}}));
    EXPECT_EQ(node.cpus, 16u);
    EXPECT_EQ(node.memory_mib, 32000u);
    EXPECT_THAT(node.features, ElementsAre("ib", "nvme"));
    const auto* gpu = read->partition("gpu");
    ASSERT_TRUE(gpu);
    EXPECT_TRUE(gpu->is_default && gpu->open && gpu->whole_nodes);
    EXPECT_EQ(gpu->nodes.size(), 2u);
    EXPECT_EQ(gpu->max_nodes, 2u);
    EXPECT_EQ(gpu->max_minutes, 1440u);
    EXPECT_EQ(gpu->default_minutes, 60u);
    const auto* cpu = read->partition("cpu");
    EXPECT_FALSE(cpu->open || cpu->whole_nodes || cpu->max_nodes || cpu->max_minutes || cpu->default_minutes);
    EXPECT_EQ(read->reservation("mine")->nodes, std::vector<std::uint32_t>{0});
    EXPECT_EQ(read->reservation("wide")->nodes, std::nullopt) << "FLEX";
    EXPECT_THAT(read->leaves, ElementsAre("leaf1"));
    EXPECT_EQ(read->max_switch_wait, 60u);
    EXPECT_EQ(read->slurm_user, 64030u);
    EXPECT_FALSE(read->qos_lifts.any() || read->can_grow);
    EXPECT_TRUE(inventory_from_text(text + "MaxNodeCount = 9\n")->can_grow);
}

TEST(InventoryText, knows_partitions_of_whole_nodes_as_26_05_tells_them) {
    auto read =
        inventory_from_text(text + "PartitionName=whole Nodes=node1 Exclusive=NODE OverSubscribe=NO\n"
                                   "PartitionName=mine Nodes=node1 Exclusive=USER OverSubscribe=NO\n");
    ASSERT_TRUE(read) << sentence(read.error());
    EXPECT_TRUE(read->partition("whole")->whole_nodes);
    EXPECT_FALSE(read->partition("mine")->whole_nodes);
}

TEST(InventoryText, has_the_limits_of_partitions_and_of_slurm_conf) {
    auto with = text + "PartitionName=lean Nodes=node1 MinNodes=2 MaxCPUsPerNode=8 MaxMemPerNode=8000 "
                       "DefMemPerCPU=500 JobDefaults=DefCpuPerGPU=4,DefMemPerGPU=9000\n"
                       "PartitionName=open Nodes=node1 MinNodes=0 MaxCPUsPerNode=UNLIMITED "
                       "MaxMemPerNode=UNLIMITED DefMemPerNode=UNLIMITED JobDefaults=(null)\n"
                       "MaxMemPerCPU            = 1000\n"
                       "DefMemPerNode           = 2000\n"
                       "JobDefaults             = DefCpuPerGPU=2\n";
    auto read = inventory_from_text(with);
    ASSERT_TRUE(read) << sentence(read.error());
    const auto& lean = *read->partition("lean");
    EXPECT_EQ(lean.min_nodes, 2u);
    EXPECT_EQ(lean.max_cpus_per_node, 8u);
    EXPECT_EQ(lean.limits,
              (JobLimits{MemoryPer{.mib = 8000}, MemoryPer{.mib = 500, .cpu = true}, 4u, 9000u}));
    const auto& open = *read->partition("open");
    EXPECT_EQ(open.min_nodes, 0u);
    EXPECT_EQ(open.max_cpus_per_node, std::nullopt);
    EXPECT_EQ(open.limits,
              (JobLimits{MemoryPer{.mib = 1000, .cpu = true}, MemoryPer{.mib = 2000}, 2u, std::nullopt}));
}

TEST(InventoryText, knows_which_limits_of_partitions_a_qos_may_lift) {
    const auto with = text + "AccountingStorageType = accounting_storage/slurmdbd\n";
    auto lifts = [&](const std::string& qos) {
        auto read = inventory_from_text(with + qos);
        return std::pair(read->qos_lifts.nodes, read->qos_lifts.time);
    };
    EXPECT_TRUE(inventory_from_text(with + "\nName|Flags\na|PartitionMinNodes\n")->qos_lifts.min_nodes);
    EXPECT_FALSE(inventory_from_text(with + "\nName|Flags\na|PartitionMaxNodes\n")->qos_lifts.min_nodes);
    const std::string header = "\nName|Flags\n";
    EXPECT_EQ(lifts(""), std::pair(true, true)) << "nobody knows them";
    EXPECT_EQ(lifts(header), std::pair(true, true));
    EXPECT_EQ(lifts(header + "normal|\n"), std::pair(false, false));
    EXPECT_EQ(lifts(header + "normal|\nlong|DenyOnLimit,PartitionTimeLimit\n"), std::pair(false, true));
    EXPECT_EQ(lifts(header + "wide|PartitionMaxNodes\nnormal|\n"), std::pair(true, false));
    EXPECT_EQ(lifts(header + "normal|\n\nx|PartitionMaxNodes\n"), std::pair(false, false))
        << "a line of others";
}

TEST(InventoryText, knows_which_qos_it_is) {
    auto read = inventory_from_text(text + "AccountingStorageType = accounting_storage/slurmdbd\n"
                                           "PartitionName=night Nodes=node1 QoS=night\n"
                                           "\nName|Flags\nnormal|\nwide|PartitionMaxNodes\n"
                                           "night|PartitionTimeLimit\n");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->lifts_of({.partitions = {"night"}, .qos = "normal"}), (QosLifts{.time = true}))
        << "the partition's own";
    EXPECT_EQ(read->lifts_of({.partitions = {"night"}, .qos = "normal,wide"}),
              (QosLifts{.nodes = true, .time = true}));
    EXPECT_EQ(read->lifts_of({.qos = "normal"}), QosLifts{}) << "of another partition";
    EXPECT_EQ(read->lifts_of({.qos = "other"}), std::nullopt);
    EXPECT_EQ(read->lifts_of({.qos = ""}), std::nullopt);
}

TEST(InventoryText, leaves_the_system_what_a_node_keeps_for_it) {
    auto read = inventory_from_text(
        "NodeName=node1 CPUEfctv=14 CPUTot=16 RealMemory=32000 CoreSpecCount=2 MemSpecLimit=4000\n"
        "PartitionName=gpu Nodes=node1\n");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->classes.at(0).memory_mib, 28000U);
    EXPECT_EQ(read->classes.at(0).cpus_for_jobs, 14U);
}

TEST(InventoryText, knows_what_its_version_does) {
    EXPECT_FALSE(inventory_from_text(text)->tasks_bound_nodes) << "it does not tell its version";
    EXPECT_FALSE(inventory_from_text("SLURM_VERSION           = 22.05.8\n" + text)->tasks_bound_nodes);
    EXPECT_TRUE(inventory_from_text("SLURM_VERSION           = 24.11.5\n" + text)->tasks_bound_nodes);
}

TEST(InventoryText, has_a_default_without_limit) { // as `DefMemPerNode=UNLIMITED` is printed
    auto inventory = inventory_from_text(
        text + "PartitionName=all DefMemPerCPU=9223372036854775807 Nodes=cpu1 State=UP\n");
    EXPECT_EQ(inventory->partition("all")->limits.default_memory,
              (MemoryPer{.mib = unlimited_memory, .cpu = true}));
}

TEST(InventoryText, says_what_cannot_be_read) {
    EXPECT_EQ(sentence(inventory_from_text("something else").error()),
              "the inventory has no node or no partition; make it by: railhead inventory save FILE");
    EXPECT_FALSE(inventory_from_text("NodeName=n1 Gres=gpu(\nPartitionName=p Nodes=n1\n"));
    EXPECT_FALSE(inventory_from_text("NodeName=n1 Gres=\nPartitionName=p Nodes=n[1\n"));
}
