#include "tests/unit/topology/fabric_rig.hpp"
#include "topology/cabling.hpp"

#include <fmt/core.h>

using namespace railhead::topology;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

constexpr std::uint32_t nodes = 24, unit = 8, rails = 4;

/// A rail-optimised fabric at 4xHDR, and beside it another one whose leaves hold `nodes_on_leaf` nodes in
/// order and two servers each.
Fabric with_storage(std::uint32_t nodes_on_leaf, Rate rate) {
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
    for (std::uint32_t server = 0; server < 2 * storage_leaves.size(); ++server)
        cable(add(DeviceKind::adapter, fmt::format("stor{} mlx5_0", server)), storage_leaves[server / 2],
              rate);
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

TEST(Planes, of_one_speed_are_rails) {
    auto fabric = with_storage(unit, rate_from("4xHDR"));
    auto hosts = hosts_of(fabric, {});
    auto map = rail_map_of(fabric, hosts);
    ASSERT_THAT(map.groups, testing::SizeIs(3));
    EXPECT_THAT(map.groups[0].rails, testing::SizeIs(rails + 1));
}
