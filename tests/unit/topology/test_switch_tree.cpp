#include "fabric_rig.hpp"

using namespace railhead::topology;
using testing::HasSubstr;

TEST(SwitchTree, has_a_leaf_for_each_group_and_what_joins_them) {
    EXPECT_EQ(Mapped(Synth{.nodes = 8, .rails = 2, .unit = 4, .spines = 2}).conf(),
              "SwitchName=su1 Nodes=node[1-4]\n"
              "SwitchName=su2 Nodes=node[5-8]\n"
              "SwitchName=fabric1 Switches=su[1-2]\n");
    EXPECT_EQ(Mapped(Synth{.nodes = 4, .rails = 2, .unit = 4, .spines = 2}).conf(),
              "SwitchName=su1 Nodes=node[1-4]\n")
        << "no unit of one";
}

TEST(SwitchTree, has_pods_of_several_groups_only) {
    EXPECT_EQ(
        Mapped(Synth{.nodes = 12, .rails = 2, .unit = 4, .pod_units = 2, .spines = 2, .cores = 2}).conf(),
        "SwitchName=pod1-su1 Nodes=node[01-04]\n"
        "SwitchName=pod1-su2 Nodes=node[05-08]\n"
        "SwitchName=pod2-su3 Nodes=node[09-12]\n"
        "SwitchName=pod1 Switches=pod1-su[1-2]\n"
        "SwitchName=fabric1 Switches=pod1,pod2-su3\n");
}

TEST(SwitchTree, keeps_every_node_that_is_wanted) {
    Mapped mapped(Synth{.nodes = 8, .rails = 2, .unit = 4, .spines = 2});
    EXPECT_EQ(mapped.conf({.nodes = {"node1", "node9", "gone"}}),
              "SwitchName=su1 Nodes=node[1-4]\n"
              "SwitchName=su2 Nodes=node[5-8]\n"
              "SwitchName=fabric1 Switches=su[1-2]\n"
              "SwitchName=unplugged Nodes=gone,node9\n"
              "SwitchName=root Switches=fabric1,unplugged\n");
    EXPECT_EQ(
        mapped.conf({.nodes = {"node1", "node9", "gone", "cpu2", "cpu1"},
                     .partition_of = {{"node1", "gpu"}, {"node9", "gpu"}, {"cpu1", "cpu"}, {"cpu2", "cpu"}}}),
        "SwitchName=su1 Nodes=node[1-4]\n"
        "SwitchName=su2 Nodes=node[5-8]\n"
        "SwitchName=fabric1 Switches=su[1-2]\n"
        "SwitchName=unplugged Nodes=gone\n"
        "SwitchName=unplugged-cpu Nodes=cpu[1-2]\n"
        "SwitchName=unplugged-gpu Nodes=node9\n"
        "SwitchName=root Switches=fabric1,unplugged,unplugged-cpu,unplugged-gpu\n");
}

TEST(SwitchTree, changes_no_line_for_a_lost_cable) {
    Synth shape{.nodes = 32, .rails = 4, .unit = 8, .spines = 4};
    auto expected = Mapped(shape).conf();
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        shape.seed = seed;
        shape.faults = {"lost-cable"};
        ASSERT_EQ(Mapped(shape).conf(), expected) << seed;
    }
}

TEST(SwitchTree, is_written_as_yaml) {
    Mapped mapped(Synth{.nodes = 8, .rails = 2, .unit = 4, .spines = 2});
    EXPECT_EQ(topology_yaml(switch_tree_of(mapped.hosts, mapped.map, {}), "default", true),
              "- topology: default\n"
              "  cluster_default: true\n"
              "  tree:\n"
              "    switches:\n"
              "      - switch: su1\n"
              "        nodes: node[1-4]\n"
              "      - switch: su2\n"
              "        nodes: node[5-8]\n"
              "      - switch: fabric1\n"
              "        children: su[1-2]\n");
}

TEST(SwitchTree, joins_islands_unless_told_otherwise) {
    FabricBuilder build;
    for (std::uint32_t i = 0; i < 2; ++i) {
        auto leaf = build.device(DeviceKind::network_switch, 1 + i);
        build.at(leaf).description = i == 0 ? "leaf1" : "leaf2";
        auto device = build.device(DeviceKind::adapter, 10 + i);
        build.at(device).description = i == 0 ? "node1 mlx5_0" : "node2 mlx5_0";
        build.link(device, 1, leaf, 1, {}, 1);
    }
    auto fabric = std::move(build).finish();
    auto hosts = hosts_of(fabric, {});
    auto map = rail_map_of(fabric, hosts);
    auto leaves = std::string("SwitchName=leaf1 Nodes=node1\nSwitchName=leaf2 Nodes=node2\n");
    EXPECT_EQ(topology_conf(switch_tree_of(hosts, map, {})), leaves + "SwitchName=root Switches=leaf[1-2]\n");
    EXPECT_EQ(topology_conf(switch_tree_of(hosts, map, {.nodes = {}, .separate_fabrics = true})), leaves);
}
