#include "fabric_rig.hpp"

#include "topology/draw.hpp"
#include "topology/named_fabric.hpp"

#include <fmt/core.h>

#include <random>
#include <sstream>

using namespace railhead::topology;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

std::vector<std::string> switch_names(const Mapped& mapped, const std::vector<std::uint32_t>& devices) {
    std::vector<std::string> names;
    for (auto device : devices) names.emplace_back(mapped.fabric.devices[device].description);
    return names;
}

/// The boxes of ibnetdiscover's text in other orders.
std::vector<std::string> in_other_orders(const std::string& text) {
    std::vector<std::string> boxes, shuffled(10);
    for (std::size_t at = text.find("\nvendid"), next = 0; at != text.npos; at = next) {
        next = text.find("\nvendid", at + 1);
        boxes.push_back(text.substr(at, next == text.npos ? next : next - at));
    }
    std::mt19937_64 random(7);
    for (auto& all : shuffled) {
        for (std::size_t last = boxes.size() - 1; last > 0; --last)
            std::swap(boxes[last], boxes[random() % (last + 1)]);
        for (const auto& box : boxes) all += box;
    }
    return shuffled;
}

} // namespace

TEST(RailMap, has_one_group_for_each_unit_with_a_leaf_for_each_rail) {
    Mapped mapped(Synth{.nodes = 8, .rails = 2, .unit = 4, .spines = 2});
    auto groups = mapped.groups();
    EXPECT_THAT(groups["su1"], ElementsAre("node1", "node2", "node3", "node4"));
    EXPECT_THAT(groups["su2"], ElementsAre("node5", "node6", "node7", "node8"));
    EXPECT_THAT(groups, SizeIs(2));
    const auto& rails = mapped.map.groups[0].rails;
    ASSERT_THAT(rails, SizeIs(2));
    EXPECT_EQ(rails[1].device, "mlx5_1");
    EXPECT_THAT(switch_names(mapped, rails[1].switches), ElementsAre("MF0;su1-leaf2:MQM8700/U1"));
    ASSERT_THAT(mapped.map.tiers, SizeIs(1));
    EXPECT_EQ(mapped.map.tiers[0].units, 1U);
}

TEST(RailMap, finds_zones_below_top_switches) {
    Synth shape{.nodes = 64,
                .rails = 2,
                .unit = 4,
                .pod_units = 2,
                .zone_pods = 4,
                .spines = 2,
                .cores = 2,
                .tops = 2};
    for (auto planes : {1U, 2U}) {
        shape.planes = planes;
        Mapped mapped(shape);
        ASSERT_THAT(mapped.map.groups, SizeIs(16)) << "a plane's leaves hold the same nodes";
        ASSERT_THAT(mapped.map.tiers, SizeIs(3));
        EXPECT_EQ(mapped.map.tiers[0].units, 8U);
        EXPECT_EQ(mapped.map.tiers[1].units, 2U);
        EXPECT_EQ(mapped.map.tiers[2].units, 1U) << "the nodes join the planes";
        EXPECT_THAT(mapped.map.tiers[1].names, ElementsAre("superpod1", "superpod2"));
    }
}

TEST(RailMap, finds_pods_below_cores) {
    Mapped mapped(Synth{.nodes = 32, .rails = 2, .unit = 4, .pod_units = 4, .spines = 2, .cores = 2});
    ASSERT_THAT(mapped.map.groups, SizeIs(8));
    ASSERT_THAT(mapped.map.tiers, SizeIs(2));
    EXPECT_THAT(mapped.map.tiers[0].names, ElementsAre("pod1", "pod2"));
    EXPECT_THAT(mapped.map.tiers[0].of_group, ElementsAre(0, 0, 0, 0, 1, 1, 1, 1));
    EXPECT_EQ(mapped.map.tiers[1].units, 1U);
}

TEST(RailMap, leaves_storage_and_aggregation_nodes_out_of_the_groups_of_nodes) {
    Synth plain{.nodes = 32, .rails = 4, .unit = 8, .spines = 4};
    auto with_storage = plain;
    with_storage.storage = 6;
    with_storage.sharp = true;
    auto groups = Mapped(with_storage).groups();
    EXPECT_THAT(groups["storage"],
                ElementsAre("storage1", "storage2", "storage3", "storage4", "storage5", "storage6"));
    groups.erase("storage");
    EXPECT_EQ(groups, Mapped(plain).groups());
}

TEST(RailMap, tells_fabrics_apart_that_no_cable_joins) {
    auto one = *synthesize({.nodes = 8, .rails = 2, .unit = 4, .spines = 2, .host = "a"});
    auto other = *synthesize({.nodes = 8, .rails = 2, .unit = 4, .spines = 2, .host = "b"});
    for (std::size_t at = 0; (at = other.find("0c42a1030", at)) != other.npos; ++at) other[at + 8] = '1';
    for (std::size_t at = 0; (at = other.find("98039b03", at)) != other.npos; ++at) other[at + 7] = '4';
    Mapped mapped(one + other);
    ASSERT_THAT(mapped.map.groups, SizeIs(4));
    ASSERT_FALSE(mapped.map.tiers.empty());
    EXPECT_EQ(mapped.map.tiers.back().units, 2U);
}

TEST(RailMap, of_a_host_with_all_adapters_on_one_leaf_is_that_leaf) {
    FabricBuilder build;
    auto leaf = build.device(DeviceKind::network_switch, 1);
    for (std::uint16_t i = 0; i < 8; ++i) {
        auto device = build.device(DeviceKind::adapter, 10 + i);
        build.at(device).description = build.keep(fmt::format("node1 mlx5_{}", i));
        build.link(device, 1, leaf, static_cast<std::uint16_t>(i + 1), {}, 1);
    }
    auto fabric = std::move(build).finish();
    auto hosts = hosts_of(fabric, {});
    auto map = rail_map_of(fabric, hosts);
    ASSERT_THAT(map.groups, SizeIs(1));
    EXPECT_EQ(map.groups[0].name, "S-0000000000000001");
}

/// What together could leave a host fewer cables in its own group than elsewhere is never in one fabric.
struct Faults {
    std::vector<std::string> hard, mild;
};
const std::vector<std::string> mild{"slow-link", "narrow-link", "lost-uplink", "swapped-rails", "unnamed"};

class Broken : public testing::TestWithParam<Faults> {};

INSTANTIATE_TEST_SUITE_P(RailMap, Broken,
                         testing::Values(Faults{{"half-node"}, mild}, Faults{{"foreign-cable"}, mild},
                                         Faults{{"lost-cable:3"}, mild},
                                         Faults{{"dead-leaf", "lost-cable:2"},
                                                {"slow-link", "lost-uplink"}}));

/// The rule of grouping.hpp, over 2000 fabrics: below the bound that stands there, groups are the faultless
/// ones.
TEST_P(Broken, has_the_faultless_groups_below_the_bound) {
    for (std::uint64_t seed = 1; seed <= 500 / one_in; ++seed) {
        std::mt19937_64 random(seed);
        auto below = [&](std::size_t bound) { return static_cast<std::uint32_t>(random() % bound); };
        Synth shape{.rails = 4 + 2 * below(3),
                    .unit = 16 + 4 * below(4),
                    .spines = 1 + below(4),
                    .storage = below(2) * 3,
                    .seed = seed};
        shape.nodes = shape.unit * (2 + below(2));
        if (below(2) == 1) shape.pod_units = 2;
        shape.nodes -= below(2) * shape.unit / 4; // the last unit is smaller
        auto expected = Mapped(shape).groups();
        // One fault harms at most one host of a leaf, but for the dead leaf.
        auto faulty = shape;
        faulty.faults = GetParam().hard;
        for (auto left = below((shape.unit - 1) / 4); left > 0; --left)
            faulty.faults.push_back(GetParam().mild[below(GetParam().mild.size())]);
        ASSERT_EQ(Mapped(faulty).groups(), expected)
            << "seed " << seed << ", " << testing::PrintToString(faulty.faults);
    }
}

TEST(RailMap, of_few_switches_above_is_the_same_with_one_cable_less) {
    const Synth small{.nodes = 64, .rails = 1, .unit = 8, .spines = 2, .faults = {}};
    auto pods = small;
    pods.pod_units = 2;
    pods.cores = 2;
    for (const auto& whole : {small, pods})
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            auto harmed = whole;
            harmed.seed = seed;
            harmed.faults = {"lost-uplink"};
            ASSERT_EQ(Mapped(harmed).conf(), Mapped(whole).conf()) << seed;
            if (whole.pod_units == 0) continue;
            harmed.faults = {"lost-core-cable"};
            ASSERT_EQ(Mapped(harmed).conf(), Mapped(whole).conf()) << seed;
        }
}

TEST(RailMap, has_the_same_names_with_one_of_two_cores_dead) {
    Mapped mapped(Synth{.nodes = 32, .rails = 2, .unit = 4, .pod_units = 4, .spines = 2, .cores = 2});
    const auto whole = mapped.conf();
    std::erase_if(mapped.fabric.links, [&](const Link& link) {
        return mapped.fabric.devices[link.a].description.starts_with("MF0;core2:") ||
               mapped.fabric.devices[link.b].description.starts_with("MF0;core2:");
    });
    mapped.hosts = hosts_of(mapped.fabric, {});
    mapped.map = rail_map_of(mapped.fabric, mapped.hosts);
    EXPECT_EQ(mapped.conf(), whole);
}

TEST(RailMap, of_a_plan_has_the_same_names_with_one_of_two_cores_dead) {
    const auto conf = [](int cores) {
        NamedFabric build{Text("")};
        for (int leaf = 1; leaf <= 3; ++leaf) {
            const auto own = build.network_switch(fmt::format("leaf{}", leaf), 1);
            for (int node = 1; node <= 3; ++node)
                build.link(build.adapter(fmt::format("n{}", leaf * 3 - 3 + node), "eth0", 1), own, 1);
            for (int core = 1; core <= cores; ++core)
                build.link(own, build.network_switch(fmt::format("core{}", core), 1), 1);
        }
        return Mapped(std::move(build).finish()).conf();
    };
    EXPECT_EQ(conf(1), conf(2));
}

TEST(RailMap, leaves_a_host_with_as_many_cables_elsewhere_where_its_neighbours_are) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const Synth two_rails{
            .nodes = 32, .rails = 2, .unit = 8, .spines = 2, .seed = seed, .faults = {"foreign-cable"}};
        auto whole = two_rails;
        whole.faults = {};
        EXPECT_EQ(Mapped(two_rails).groups(), Mapped(whole).groups()) << seed;
    }
}

TEST(RailMap, keeps_the_name_of_a_group_with_one_leaf_left) {
    const Synth two_rails{.nodes = 32, .rails = 2, .unit = 8, .spines = 2, .seed = 4, .faults = {}};
    auto harmed = two_rails;
    harmed.faults = {"dead-leaf"};
    EXPECT_EQ(Mapped(harmed).groups(), Mapped(two_rails).groups());
}

TEST(RailMap, keeps_storage_out_of_a_unit_that_is_most_of_the_cluster) {
    for (std::uint32_t nodes : {15U, 20U, 34U}) {
        Synth shape{.nodes = nodes, .rails = 2, .unit = nodes - 3, .spines = 4, .storage = 4};
        const auto expected = Mapped(shape).groups();
        EXPECT_THAT(expected, SizeIs(3));
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            shape.seed = seed;
            shape.faults = {"lost-cable"};
            auto found = Mapped(shape).groups();
            EXPECT_EQ(found["su1"], expected.at("su1")) << nodes << " nodes, seed " << seed;
        }
    }
}

TEST(RailMap, moves_a_node_that_is_cabled_elsewhere_and_nobody_besides) {
    Synth shape{.nodes = 32, .rails = 4, .unit = 8, .spines = 4};
    auto groups = Mapped(shape).groups();
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        auto moved = shape;
        moved.seed = seed;
        moved.faults = {"moved-node"};
        auto now = Mapped(moved).groups();
        std::size_t gone = 0, come = 0;
        for (auto& [name, nodes] : groups) {
            for (auto& node : nodes) gone += now[name].count(node) == 0 ? 1 : 0;
            for (auto& node : now[name]) come += nodes.count(node) == 0 ? 1 : 0;
        }
        EXPECT_EQ(gone, 1U) << seed;
        EXPECT_EQ(come, 1U) << seed;
    }
}

TEST(RailMap, changes_no_line_but_two_when_a_node_moves) {
    Synth shape{.nodes = 32, .rails = 4, .unit = 8, .pod_units = 2, .spines = 4, .faults = {}};
    const auto lines_of = [](const std::string& text) {
        std::set<std::string> lines;
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);) lines.insert(line);
        return lines;
    };
    const auto order_of = [](const Mapped& mapped) {
        std::vector<std::string> names;
        for (const auto& group : mapped.map.groups) names.push_back(group.name);
        return names;
    };
    const Mapped before(shape);
    const auto lines = lines_of(before.conf());
    shape.faults = {"moved-node"};
    for (shape.seed = 1; shape.seed <= 50; ++shape.seed) { // now and then it is node01
        const Mapped now(shape);
        EXPECT_EQ(order_of(now), order_of(before)) << shape.seed;
        std::size_t same = 0;
        for (const auto& line : lines_of(now.conf())) same += lines.count(line);
        EXPECT_EQ(same, lines.size() - 2) << shape.seed;
    }
}

/// Two groups of hosts on the leaves of both, so that neither has one of its own; leaves come as they are
/// given.
std::string conf_of_leaves(const std::vector<std::string>& leaves) {
    NamedFabric build{Text("")};
    for (const auto& leaf : leaves) build.network_switch(leaf, 1);
    const auto plug = [&](const std::string& host, const char* device, const char* leaf) {
        build.link(build.adapter(host, device, 1), build.network_switch(leaf, 1), 1);
    };
    for (int i = 1; i <= 4; ++i) {
        plug(fmt::format("a{}", i), "mlx5_0", "x1");
        plug(fmt::format("b{}", i), "mlx5_0", "x2");
        plug(fmt::format("c{}", i), "mlx5_0", i % 2 ? "x1" : "x2");
        plug(fmt::format("c{}", i), "mlx5_1", "y");
    }
    auto fabric = std::move(build).finish();
    auto hosts = hosts_of(fabric, {});
    return topology_conf(switch_tree_of(hosts, rail_map_of(fabric, hosts), {}));
}

TEST(RailMap, names_groups_without_leaves_of_their_own_alike_in_any_order) {
    std::vector<std::string> leaves{"x1", "x2", "y"};
    const auto expected = conf_of_leaves(leaves);
    while (std::next_permutation(leaves.begin(), leaves.end())) EXPECT_EQ(conf_of_leaves(leaves), expected);
}

TEST(RailMap, gives_long_names_that_no_other_changes) {
    const auto conf = [](const std::vector<int>& units) {
        NamedFabric build{Text("")};
        for (auto unit : units)
            for (int i = 1; i <= 2; ++i)
                build.link(build.adapter(fmt::format("n{}", unit * 2 + i), "mlx5_0", 1),
                           build.network_switch(std::string(70, 'x') + std::to_string(unit), 1), 1);
        auto fabric = std::move(build).finish();
        auto hosts = hosts_of(fabric, {});
        return topology_conf(switch_tree_of(hosts, rail_map_of(fabric, hosts), {}));
    };
    const auto three = conf({1, 2, 3}), two = conf({2, 3});
    for (const auto* nodes : {" Nodes=n[5-6]\n", " Nodes=n[7-8]\n"}) {
        const auto end = three.find(nodes), begin = three.rfind("SwitchName", end);
        EXPECT_THAT(two, testing::HasSubstr(three.substr(begin, end - begin) + nodes));
    }
}

TEST(RailMap, is_the_same_in_whatever_order_the_fabric_is_told) {
    auto text = *synthesize({.nodes = 32,
                             .rails = 4,
                             .unit = 8,
                             .pod_units = 2,
                             .spines = 2,
                             .storage = 2,
                             .faults = {"lost-cable:3", "swapped-rails", "slow-link:3", "lost-uplink:2"}});
    auto all_of = [](const Mapped& mapped) {
        auto findings = cabling_findings(mapped.fabric, mapped.hosts, mapped.map);
        std::string said = mapped.conf() + draw(mapped.fabric, mapped.hosts, mapped.map, findings, {});
        for (const auto& [finding, cost] : findings) said += sentence(finding) + "\n";
        for (const auto& name : switch_names(mapped, mapped.map.storage_leaves)) said += name + "\n";
        return said;
    };
    auto small = *synthesize({.nodes = 8, .rails = 4, .unit = 4, .spines = 2, .faults = {"swapped-rails"}});
    for (const auto& told : {text, small}) {
        auto expected = all_of(Mapped(told));
        for (const auto& shuffled : in_other_orders(told)) ASSERT_EQ(all_of(Mapped(shuffled)), expected);
    }
}

TEST(RailMap, tells_storage_from_management_by_the_speed_of_its_cables) {
    auto slow_storage = [](const std::string& rate) {
        auto text = *synthesize({.nodes = 16, .rails = 4, .unit = 4, .spines = 2, .storage = 2});
        std::string told;
        std::istringstream lines(text);
        bool on_storage = false;
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("Switch\t") || line.starts_with("Ca\t"))
                on_storage = line.find("storage-leaf") != line.npos;
            if (on_storage || line.find("storage-leaf") != line.npos)
                if (auto at = line.rfind("4xHDR"); at != line.npos && line.find("spine") == line.npos)
                    line.replace(at, 5, rate);
            told += line + "\n";
        }
        return told;
    };
    Mapped storage(slow_storage("1xHDR")), management(slow_storage("1xDDR"));
    EXPECT_THAT(switch_names(storage, storage.map.storage_leaves),
                ElementsAre("MF0;storage-leaf1:MQM8700/U1", "MF0;storage-leaf2:MQM8700/U1"));
    EXPECT_THAT(storage.map.management_leaves, IsEmpty());
    EXPECT_THAT(management.map.management_leaves, SizeIs(2));
    EXPECT_THAT(management.map.storage_leaves, IsEmpty());
}
