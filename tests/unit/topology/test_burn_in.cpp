#include "topology/burn_in.hpp"

#include "fabric_rig.hpp"

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
