#include "tests/unit/topology/fabric_rig.hpp"
#include "topology/cabling.hpp"
#include "topology/unclear_planes.hpp"

#include <fmt/core.h>

using namespace railhead::topology;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

constexpr std::uint32_t nodes = 24, unit = 8, rails = 4;

/// A rail-optimised fabric at 4xHDR, and beside it another one whose leaves hold `nodes_on_leaf` nodes in
/// order and some servers each.
Fabric with_storage(std::uint32_t nodes_on_leaf, Rate rate, std::uint32_t servers = 2) {
    FabricBuilder build;
    std::uint64_t guid = 0;
    std::map<std::uint32_t, std::uint16_t> ports;
    const Rate hdr = rate_from("4xHDR");
    auto add = [&](DeviceKind kind, std::string name) {
        auto device = build.device(kind, ++guid);
        build.at(device).description = build.keep(std::move(name));
        build.at(device).line = 1;
        return device;
    };
    auto cable = [&](std::uint32_t from, std::uint32_t to, Rate of) {
        auto a = ++ports[from], b = ++ports[to];
        build.link(from, a, to, b, of, 1);
    };
    auto spine = add(DeviceKind::network_switch, "spine"),
         storage = add(DeviceKind::network_switch, "storspine");
    std::vector<std::uint32_t> leaves, storage_leaves;
    for (std::uint32_t i = 0; i < nodes / unit * rails; ++i) {
        leaves.push_back(add(DeviceKind::network_switch, fmt::format("su{}-leaf{}", i / rails, i % rails)));
        for (std::uint32_t up = 0; up < unit; ++up) cable(leaves.back(), spine, hdr);
    }
    for (std::uint32_t i = 0; i * nodes_on_leaf < nodes; ++i) {
        storage_leaves.push_back(add(DeviceKind::network_switch, fmt::format("storleaf{}", i)));
        for (std::uint32_t up = 0; up < 2; ++up) cable(storage_leaves.back(), storage, hdr);
    }
    for (std::uint32_t node = 0; node < nodes; ++node) {
        for (std::uint32_t rail = 0; rail < rails; ++rail)
            cable(add(DeviceKind::adapter, fmt::format("node{:02} mlx5_{}", node, rail)),
                  leaves[node / unit * rails + rail], hdr);
        cable(add(DeviceKind::adapter, fmt::format("node{:02} mlx5_8", node)),
              storage_leaves[node / nodes_on_leaf], rate);
    }
    for (std::uint32_t server = 0; server < servers * storage_leaves.size(); ++server)
        cable(add(DeviceKind::adapter, fmt::format("stor{} mlx5_0", server)),
              storage_leaves[server / servers], rate);
    return std::move(build).finish();
}

std::vector<std::string> names_of(const Fabric& fabric, const std::vector<std::uint32_t>& devices) {
    std::vector<std::string> names;
    for (auto device : devices) names.emplace_back(fabric.devices[device].description);
    return names;
}

} // namespace

TEST(Planes, of_storage_are_told_by_their_own_slower_fabric_whatever_their_leaves_follow) {
    for (auto on_leaf : {unit, 12U}) {
        auto fabric = with_storage(on_leaf, rate_from("4xEDR"));
        auto hosts = hosts_of(fabric, {});
        auto map = rail_map_of(fabric, hosts);
        std::vector<std::string> groups;
        for (const auto& group : map.groups)
            if (!group.rails.empty()) groups.push_back(fmt::format("{}:{}", group.name, group.hosts.size()));
        EXPECT_THAT(groups, ElementsAre("su0:8", "su1:8", "su2:8")) << on_leaf;
        EXPECT_THAT(names_of(fabric, map.storage_leaves), testing::SizeIs((nodes + on_leaf - 1) / on_leaf));
        EXPECT_THAT(map.management_leaves, IsEmpty());
        for (const auto& found : cabling_findings(fabric, hosts, map))
            ADD_FAILURE() << sentence(found.finding);
    }
}

TEST(Planes, of_management_are_much_slower) {
    auto fabric = with_storage(unit, rate_from("4xSDR"));
    auto hosts = hosts_of(fabric, {});
    auto map = rail_map_of(fabric, hosts);
    EXPECT_THAT(map.management_leaves, testing::SizeIs(3));
    EXPECT_THAT(map.storage_leaves, IsEmpty());
    for (const auto& found : cabling_findings(fabric, hosts, map)) ADD_FAILURE() << sentence(found.finding);
}

TEST(Planes, of_storage_may_be_as_fast_where_they_alone_have_servers) {
    for (auto on_leaf : {unit, 12U}) {
        auto fabric = with_storage(on_leaf, rate_from("4xHDR"));
        auto hosts = hosts_of(fabric, {});
        auto map = rail_map_of(fabric, hosts);
        EXPECT_THAT(map.storage_leaves, testing::SizeIs((nodes + on_leaf - 1) / on_leaf));
        EXPECT_THAT(map.groups[0].rails, testing::SizeIs(rails));
        for (const auto& found : cabling_findings(fabric, hosts, map))
            ADD_FAILURE() << sentence(found.finding);
    }
}

TEST(Planes, of_one_speed_are_rails) {
    auto fabric = with_storage(unit, rate_from("4xHDR"), 0);
    auto hosts = hosts_of(fabric, {});
    auto map = rail_map_of(fabric, hosts);
    ASSERT_THAT(map.groups, testing::SizeIs(3));
    EXPECT_THAT(map.groups[0].rails, testing::SizeIs(rails + 1));
}

namespace {

/// A plan of units with a leaf a rail, and of racks with a switch each for management, with no cable between
/// switches. `speed` is management's: "" tells none at all.
Mapped with_racks(std::uint32_t in_unit, std::uint32_t in_rack, std::uint32_t of_rails,
                  const std::string& speed) {
    std::string plan = "node,rail,switch,speed\n";
    for (std::uint32_t node = 0; node < 3 * in_unit; ++node) {
        for (std::uint32_t rail = 0; rail < of_rails; ++rail)
            plan += fmt::format("n{:03d},mlx5_{},su{}-leaf{},{}\n", node, rail, node / in_unit + 1, rail + 1,
                                speed.empty() ? "" : "400");
        if (in_rack > 0) plan += fmt::format("n{:03d},eno1,tor{},{}\n", node, node / in_rack + 1, speed);
    }
    auto read = read_inventory_file(Text(plan));
    EXPECT_TRUE(read);
    return Mapped(std::move(*read));
}

std::string findings_of(const Mapped& mapped) {
    std::string said;
    for (const auto& found : cabling_findings(mapped.fabric, mapped.hosts, mapped.map))
        said += sentence(found.finding) + "\n";
    return said;
}

} // namespace

TEST(Planes, of_management_are_racks_that_do_not_line_up_with_units) {
    for (auto in_unit : {8U, 16U, 20U})
        for (auto of_rails : {1U, 2U, 8U}) {
            const auto expected = with_racks(in_unit, 0, of_rails, "").groups();
            for (std::uint32_t in_rack = 1; in_rack <= 3 * in_unit; in_rack += one_in) {
                const auto seen = with_racks(in_unit, in_rack, of_rails, "1");
                const auto what =
                    fmt::format("units of {}, racks of {}, {} rails", in_unit, in_rack, of_rails);
                ASSERT_EQ(seen.groups(), expected) << what;
                ASSERT_EQ(findings_of(seen), "") << what;
                EXPECT_THAT(seen.map.management_leaves,
                            testing::SizeIs((3 * in_unit + in_rack - 1) / in_rack));
            }
        }
}

TEST(Planes, whose_leaves_several_units_share_have_no_rail_though_no_speed_is_told) {
    for (auto in_unit : {8U, 16U, 20U})
        for (auto of_rails : {2U, 8U}) {
            const auto expected = with_racks(in_unit, 0, of_rails, "").groups();
            for (std::uint32_t in_rack = 2; in_rack <= 3 * in_unit; ++in_rack) {
                if (in_unit % in_rack == 0) continue; // these follow units, as far as is seen
                if (in_rack * 8 > in_unit * 7 && in_rack * 8 <= in_unit * 9) continue; // or with few strays
                const auto seen = with_racks(in_unit, in_rack, of_rails, "");
                const auto what =
                    fmt::format("units of {}, racks of {}, {} rails", in_unit, in_rack, of_rails);
                ASSERT_EQ(seen.groups(), expected) << what;
                ASSERT_EQ(findings_of(seen), "") << what;
            }
        }
}

namespace {

/// What lldpcli says on each node of a fabric by synth, whose only Ethernet cable leads to its rack's switch.
Fabric lldp_of_racks(std::uint32_t nodes_in_all, std::uint32_t in_rack) {
    std::string told;
    for (std::uint32_t node = 0; node < nodes_in_all; ++node)
        told += fmt::format(
            R"({{"node{:02}": {{"lldp": {{"interface": {{"eno1": {{"chassis": {{"tor{}": {{}}}}, )"
            R"("port": {{"id": {{"type": "ifname", "value": "swp{}"}}}}}}}}}}}}}})",
            node + 1, node / in_rack + 1, node % in_rack + 1);
    auto read = read_lldp(Text(told), LldpFrom::hosts);
    EXPECT_TRUE(read) << railhead::sentence(read.error());
    return std::move(*read);
}

} // namespace

TEST(Planes, of_a_source_that_joins_nodes_otherwise_make_no_group) {
    for (auto of_rails : {1U, 4U})
        for (auto in_rack = 3U; in_rack <= 50; in_rack += one_in) {
            const Synth shape{.nodes = 80, .rails = of_rails, .unit = 16, .spines = 16};
            const auto text = *synthesize(shape);
            std::vector<Fabric> both;
            both.push_back(*read_ibnetdiscover(Text(text)));
            both.push_back(lldp_of_racks(shape.nodes, in_rack));
            const Mapped seen(joined(std::move(both)));
            ASSERT_EQ(seen.groups(), Mapped(shape).groups()) << "racks of " << in_rack;
            if (in_rack * 8 > 16 * 7 && in_rack * 8 <= 16 * 9) continue; // it follows units, with few strays
            ASSERT_EQ(findings_of(seen), "") << "racks of " << in_rack;
        }
}

TEST(Planes, of_one_rail_and_more_cables_to_storage_are_told_to_be_unclear) {
    auto plan = [](int rails, int to_all) { // so many cables to leaves of eight nodes, and to leaves of all
        std::string text = "node,rail,switch\n";
        for (int node = 0; node < 32; ++node) {
            for (int i = 0; i < rails; ++i)
                text += fmt::format("n{:02},mlx5_{},leaf{}-{}\n", node, i, node / 8, i);
            for (int i = 0; i < to_all; ++i)
                text += fmt::format("n{:02},mlx5_{},stor{}\n", node, rails + i, i);
        }
        for (int i = 0; i < to_all; ++i) text += fmt::format("nas1,mlx5_{0},stor{0}\n", i);
        return of_plan(text);
    };
    auto said_of = [](const Mapped& seen) { return unclear_planes(seen.fabric, seen.hosts, seen.map); };
    const auto said = said_of(plan(1, 2));
    ASSERT_THAT(said, testing::SizeIs(1));
    EXPECT_EQ(railhead::sentence(said[0]),
              "leaf0-0: holds 33 nodes that are also on 4 leaves of at most 8 of them each (by mlx5_0), and "
              "which of the two are the rails, cables do not tell; give --plane mlx5_0 if it is these, and "
              "the group storage");
    for (auto [rails, to_all] : {std::pair(1, 1), std::pair(2, 2), std::pair(4, 2), std::pair(8, 1)})
        EXPECT_THAT(said_of(plan(rails, to_all)), IsEmpty());
}
