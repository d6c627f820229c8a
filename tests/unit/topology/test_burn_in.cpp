#include "topology/burn_in.hpp"

#include "fabric_rig.hpp"
#include "topology/burn_in_gaps.hpp"
#include "topology/named_fabric.hpp"

#include <fmt/core.h>

using namespace railhead::topology;
using testing::ElementsAre;
using testing::Pair;

namespace {

auto pairs(const Synth& shape) {
    Mapped mapped(shape);
    std::vector<std::pair<std::string, std::string>> found;
    for (auto [one, other] : burn_in_pairs(mapped.fabric, mapped.hosts, mapped.map))
        found.emplace_back(one, other);
    return found;
}

} // namespace

TEST(BurnIn, has_each_node_once_with_one_of_another_group) {
    EXPECT_THAT(pairs({.nodes = 8, .rails = 2, .unit = 4, .spines = 4}),
                ElementsAre(Pair("node1", "node5"), Pair("node2", "node6"), Pair("node3", "node7"),
                            Pair("node4", "node8")));
}

TEST(BurnIn, leaves_no_node_out_when_their_number_is_odd) {
    EXPECT_THAT(pairs({.nodes = 3, .rails = 2, .unit = 4, .spines = 0}),
                ElementsAre(Pair("node1", "node2"), Pair("node3", "node1")));
}

namespace {

std::map<std::string_view, std::uint32_t> groups_of(const Mapped& mapped) {
    std::map<std::string_view, std::uint32_t> groups;
    for (std::uint32_t host = 0; host < mapped.hosts.hosts.size(); ++host)
        groups[mapped.hosts.hosts[host].name] = mapped.map.grouping.of_host[host];
    return groups;
}

/// By leaf: pairs that leave its group, and cables upwards; of groups with so many partners.
void expect_all_covered(const Synth& shape) {
    Mapped mapped(shape);
    auto groups = groups_of(mapped);
    std::map<std::string, std::set<std::string>> partners;
    std::map<std::uint32_t, unsigned> leaving;
    for (auto [one, other] : burn_in_pairs(mapped.fabric, mapped.hosts, mapped.map)) {
        ASSERT_NE(one, other);
        ASSERT_FALSE(partners[std::string(one)].contains(std::string(other))) << "a pair comes twice";
        partners[std::string(one)].emplace(other);
        partners[std::string(other)].emplace(one);
        if (groups.find(one)->second == groups.find(other)->second) continue;
        ++leaving[groups.find(one)->second];
        ++leaving[groups.find(other)->second];
    }
    ASSERT_EQ(partners.size(), shape.nodes) << "each node is in a pair";
    for (std::uint32_t group = 0; group < mapped.map.groups.size(); ++group) {
        std::size_t here = mapped.map.groups[group].hosts.size();
        ASSERT_GE(leaving[group], std::min<std::size_t>(shape.spines, here * (shape.nodes - here)))
            << shape.nodes << " nodes, unit " << shape.unit << ", " << shape.spines << " spines, group of "
            << here;
    }
}

} // namespace

TEST(BurnIn, sends_as_much_up_as_a_leaf_has_cables_there) {
    for (unsigned nodes : {2U, 5U, 8U, 9U, 17U, 30U, 31U, 34U, 70U})
        for (unsigned unit : {4U, 16U, 32U})
            for (unsigned spines : {1U, 4U, 8U, 16U})
                expect_all_covered({.nodes = nodes, .rails = 2, .unit = unit, .spines = spines});
}

TEST(BurnIn, crosses_pods_and_zones) {
    Synth shape{.nodes = 256,
                .rails = 2,
                .unit = 8,
                .pod_units = 4,
                .zone_pods = 2,
                .spines = 4,
                .cores = 4,
                .tops = 4};
    Mapped mapped(shape);
    auto groups = groups_of(mapped);
    const auto& zones = mapped.map.tiers[1].of_group;
    auto pairs = burn_in_pairs(mapped.fabric, mapped.hosts, mapped.map);
    EXPECT_EQ(pairs.size(), 128U);
    for (auto [one, other] : pairs) ASSERT_NE(zones[groups[one]], zones[groups[other]]);
}

TEST(BurnIn, spans_no_islands) {
    for (auto [one, other] : pairs({.nodes = 8, .rails = 2, .unit = 4, .spines = 0}))
        EXPECT_EQ(one <= "node4", other <= "node4") << one << " " << other;
}

TEST(BurnIn, repeats_only_the_nodes_of_leaves_with_more_cables_upwards_than_nodes) {
    EXPECT_EQ(pairs({.nodes = 34, .rails = 2, .unit = 16, .spines = 16}).size(), 24U)
        << "three times 16, halved";
    EXPECT_EQ(pairs({.nodes = 64, .rails = 2, .unit = 16, .spines = 16}).size(), 32U);
    EXPECT_EQ(pairs({.nodes = 65, .rails = 2, .unit = 16, .spines = 16}).size(), 40U)
        << "64 and 16 times the last";
    EXPECT_EQ(pairs({.nodes = 33, .rails = 2, .unit = 32, .spines = 4}).size(), 18U)
        << "the last node four times, the 28 others of the large group among themselves";
}

namespace {

/// Cables of hosts, and between leaves, that traffic of no pair crosses; and how many pairs there are.
struct Traffic {
    std::set<std::string> nowhere;
    std::size_t pairs = 0;
};

Traffic traffic_on(const Fabric& fabric) {
    auto hosts = hosts_of(fabric, {});
    auto map = rail_map_of(fabric, hosts);
    auto name = [&](std::uint32_t device) { return std::string(fabric.devices[device].description); };
    std::map<std::string_view, std::map<std::string_view, std::uint32_t>> leaf_of; // by host and device
    std::set<std::string> idle;
    for (const auto& port : hosts.ports) {
        leaf_of[hosts.hosts[port.host].name][port.device] = port.leaf;
        idle.insert(fmt::format("{} {}", hosts.hosts[port.host].name, port.device));
    }
    for (const auto& link : fabric.links)
        if (map.grouping.is_leaf[link.a] && map.grouping.is_leaf[link.b])
            idle.insert(name(link.a) + " " + name(link.b));
    auto pairs = burn_in_pairs(fabric, hosts, map);
    for (const auto& pair : pairs)
        for (auto [device, leaf] : leaf_of[pair.first]) {
            auto there = leaf_of[pair.second].find(device);
            if (there == leaf_of[pair.second].end()) continue;
            idle.erase(fmt::format("{} {}", pair.first, device));
            idle.erase(fmt::format("{} {}", pair.second, device));
            idle.erase(name(leaf) + " " + name(there->second));
            idle.erase(name(there->second) + " " + name(leaf));
        }
    return {idle, pairs.size()};
}

/// Switches with four nodes each, and cables between those that `joined` says.
template <class Joined>
Fabric cabled_switches(int switches, const Joined& joined) {
    NamedFabric build{Text("")};
    for (int i = 0; i < switches; ++i)
        for (int node = 1; node <= 4; ++node)
            build.link(build.network_switch(fmt::format("sw{}", i), 1),
                       build.adapter(fmt::format("n{}", i * 4 + node), "mlx5_0", 1), 1);
    for (int i = 0; i < switches; ++i)
        for (int j = i + 1; j < switches; ++j)
            if (joined(i, j))
                build.link(build.network_switch(fmt::format("sw{}", i), 1),
                           build.network_switch(fmt::format("sw{}", j), 1), 1);
    return std::move(build).finish();
}

} // namespace

TEST(BurnIn, covers_rails_that_only_some_nodes_have) {
    NamedFabric build{Text("")};
    for (int node = 0; node < 24; ++node)
        for (int rail = 0; rail < (node < 16 ? 4 : 1); ++rail) {
            auto leaf = build.network_switch(fmt::format("su{}-leaf{}", node / 8, rail), 1);
            build.link(leaf, build.adapter(fmt::format("n{}", node), fmt::format("mlx5_{}", rail), 1), 1);
        }
    for (int unit = 0; unit < 3; ++unit)
        for (int rail = 0; rail < (unit < 2 ? 4 : 1); ++rail)
            for (int spine = 1; spine <= 4; ++spine)
                build.link(build.network_switch(fmt::format("su{}-leaf{}", unit, rail), 1),
                           build.network_switch(fmt::format("spine{}", spine), 1), 1);
    auto traffic = traffic_on(std::move(build).finish());
    EXPECT_THAT(traffic.nowhere, testing::IsEmpty());
    EXPECT_LE(traffic.pairs, 20U);
}

TEST(BurnIn, covers_a_rail_of_which_all_other_groups_have_lost_the_leaf) {
    for (std::uint64_t seed = 1; seed < 9; ++seed) {
        Mapped mapped(
            Synth{.nodes = 16, .rails = 2, .unit = 8, .spines = 2, .seed = seed, .faults = {"dead-leaf"}});
        EXPECT_THAT(traffic_on(mapped.fabric).nowhere, testing::IsEmpty()) << "seed " << seed;
    }
}

TEST(BurnIn, covers_cables_from_leaf_to_leaf) {
    auto mesh = traffic_on(cabled_switches(6, [](int, int) { return true; }));
    EXPECT_THAT(mesh.nowhere, testing::IsEmpty());
    EXPECT_EQ(mesh.pairs, 15U) << "one for each cable";
    auto ring = traffic_on(cabled_switches(8, [](int i, int j) { return j == i + 1 || (i == 0 && j == 7); }));
    EXPECT_THAT(ring.nowhere, testing::IsEmpty());
    EXPECT_LE(ring.pairs, 20U);
}

TEST(BurnIn, has_no_pair_without_which_all_cables_are_covered) {
    for (auto nodes = 4U; nodes <= 20; nodes += one_in)
        for (auto unit : {2U, 3U, 5U, 8U})
            for (const auto* fault : {"lost-cable", "lost-uplink"})
                for (auto spines : {1U, 3U, 4U}) {
                    const Mapped mapped(Synth{.nodes = nodes,
                                              .rails = 2,
                                              .unit = unit,
                                              .spines = spines,
                                              .seed = 3,
                                              .faults = {fault}});
                    std::map<std::string_view, std::uint32_t> number;
                    for (std::uint32_t host = 0; host < mapped.hosts.hosts.size(); ++host)
                        number[mapped.hosts.hosts[host].name] = host;
                    std::vector<HostPair> found;
                    for (auto [one, other] : burn_in_pairs(mapped.fabric, mapped.hosts, mapped.map))
                        found.emplace_back(number.at(one), number.at(other));
                    auto has_gaps = [&](const std::vector<HostPair>& some) {
                        return !burn_in_gaps(mapped.fabric, mapped.hosts, mapped.map, some).empty();
                    };
                    EXPECT_FALSE(has_gaps(found));
                    for (std::size_t i = 0; i < found.size(); ++i) {
                        auto fewer = found;
                        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
                        ASSERT_TRUE(has_gaps(fewer)) << nodes << " nodes, units of " << unit << ", " << fault;
                    }
                }
}
