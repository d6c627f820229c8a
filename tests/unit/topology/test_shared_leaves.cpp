// Storage leaves that some units share, as large sites have them, and cables in the wrong unit.
#include "fabric_rig.hpp"

#include <random>

using namespace railhead::topology;

namespace {

/// Units whose nodes have more adapters than rails, on storage leaves for `units_a_leaf` units each.
struct SharedStorage {
    std::uint32_t units, nodes, rails, units_a_leaf = 2, storage = 1; ///< nodes of a unit
    struct Cable {
        std::uint32_t node, rail, unit; ///< leads to that unit's leaf, from 0
    };
    std::vector<Cable> wrong{};
    std::vector<std::uint32_t> without_storage{}; ///< nodes whose first adapter there is gone

    std::string plan() const {
        std::string text = "node,rail,switch\n";
        for (std::uint32_t node = 0; node < units * nodes; ++node) {
            for (std::uint32_t rail = 0; rail < rails; ++rail)
                text += fmt::format("n{},mlx5_{},su{}-leaf{}\n", node, rail, unit_of(node, rail) + 1, rail);
            const auto& gone = without_storage;
            for (std::uint32_t i = 0; i < storage; ++i)
                if (i > 0 || std::find(gone.begin(), gone.end(), node) == gone.end())
                    text += fmt::format("n{},mlx5_{},stor{}-{}\n", node, rails + i,
                                        node / nodes / units_a_leaf + 1, i);
        }
        return text;
    }
    std::uint32_t unit_of(std::uint32_t node, std::uint32_t rail) const {
        for (const auto& cable : wrong)
            if (cable.node == node && cable.rail == rail) return cable.unit;
        return node / nodes;
    }
    std::set<std::string> nodes_with_wrong_cables() const {
        std::set<std::string> found;
        for (const auto& cable : wrong) found.insert(fmt::format("n{}", cable.node));
        return found;
    }
    std::map<std::string, std::set<std::string>> groups() const {
        std::map<std::string, std::set<std::string>> found;
        for (std::uint32_t node = 0; node < units * nodes; ++node)
            found[fmt::format("su{}", node / nodes + 1)].insert(fmt::format("n{}", node));
        return found;
    }
};

/// Whatever groups are called.
std::set<std::set<std::string>> sets_of(const std::map<std::string, std::set<std::string>>& groups) {
    std::set<std::set<std::string>> found;
    for (const auto& [name, nodes] : groups) found.insert(nodes);
    return found;
}

std::set<std::string> nodes_of_foreign_cables(const Mapped& mapped) {
    std::set<std::string> found;
    for (const auto& [finding, cost] : mapped.cabling())
        if (finding.id == "foreign-cable") found.insert(finding.where);
    return found;
}

} // namespace

TEST(SharedLeaves, do_not_join_the_units_that_share_them_through_cables_in_the_wrong_one) {
    const SharedStorage site{
        .units = 4, .nodes = 8, .rails = 4, .wrong = {{2, 0, 1}, {3, 1, 1}, {12, 2, 0}, {13, 3, 0}}};
    const auto mapped = of_plan(site.plan());
    EXPECT_EQ(mapped.groups(), site.groups());
    EXPECT_EQ(nodes_of_foreign_cables(mapped), site.nodes_with_wrong_cables());
    EXPECT_THAT(mapped.map.storage_leaves, testing::SizeIs(2));
}

TEST(SharedLeaves, take_no_rail_away_from_a_unit_with_one_cable_of_another) {
    const SharedStorage site{.units = 4, .nodes = 8, .rails = 4, .wrong = {{2, 0, 1}}};
    const auto mapped = of_plan(site.plan());
    EXPECT_EQ(mapped.groups(), site.groups());
    EXPECT_THAT(mapped.map.storage_leaves, testing::SizeIs(2));
    for (const auto& group : mapped.map.groups) EXPECT_THAT(group.rails, testing::SizeIs(4)) << group.name;
    EXPECT_EQ(nodes_of_foreign_cables(mapped), site.nodes_with_wrong_cables());
}

TEST(SharedLeaves, are_told_from_as_many_rails_where_an_adapter_is_lost) {
    for (std::uint32_t lost = 0; lost < 32; lost += one_in) {
        const SharedStorage site{
            .units = 4, .nodes = 8, .rails = 2, .storage = 2, .without_storage = {lost, (lost + 9) % 32}};
        const auto mapped = of_plan(site.plan());
        EXPECT_EQ(mapped.groups(), site.groups()) << lost;
        EXPECT_THAT(mapped.map.storage_leaves, testing::SizeIs(4)) << lost;
    }
}

TEST(SharedLeaves, are_no_unit_s_with_a_few_strays_of_several_others) {
    const SharedStorage site{
        .units = 6, .nodes = 8, .rails = 3, .wrong = {{2, 2, 5}, {12, 2, 5}, {24, 2, 5}}};
    const auto mapped = of_plan(site.plan());
    EXPECT_EQ(mapped.groups(), site.groups());
    EXPECT_THAT(mapped.map.storage_leaves, testing::SizeIs(3));
    EXPECT_EQ(nodes_of_foreign_cables(mapped), site.nodes_with_wrong_cables());
}

TEST(SharedLeaves, change_no_group_with_wrong_cables_and_lost_adapters) {
    std::mt19937_64 random(1);
    auto pick = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(random() % bound); };
    for (std::uint32_t run = 0; run < 2000; run += one_in) {
        SharedStorage site{.units = 2 + pick(7), .nodes = 8 + pick(9), .rails = 3 + pick(6)};
        site.units_a_leaf = 1 + pick(3);
        // One a node, and one a rail, so that no leaf lacks more or has more than one.
        const auto count = std::min(1 + pick(4), site.rails);
        for (std::uint32_t i = 0, first = pick(site.rails); i < count; ++i) {
            const auto node = site.nodes * i / 4 + pick(site.units) * site.nodes;
            const auto unit = (node / site.nodes + 1 + pick(site.units - 1)) % site.units;
            site.wrong.push_back({node, (first + i) % site.rails, unit});
        }
        for (std::uint32_t lost = pick(3); lost > 0; --lost)
            site.without_storage.push_back(pick(site.units * site.nodes));
        const auto mapped = of_plan(site.plan());
        ASSERT_EQ(sets_of(mapped.groups()), sets_of(site.groups())) << run << "\n" << site.plan();
        ASSERT_EQ(nodes_of_foreign_cables(mapped), site.nodes_with_wrong_cables()) << run;
    }
}
