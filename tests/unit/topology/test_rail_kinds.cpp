#include "topology/rail_kinds.hpp"

#include "fabric_rig.hpp"

#include <regex>

using namespace railhead::topology;
using railhead::sentence;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

namespace {

/// A unit of `full` nodes h on eight leaves and of `half` nodes a on every second of them, which count their
/// four adapters from 0 on all the same; `name` calls the latter.
std::string halves(std::uint32_t full, std::uint32_t half, const std::string& name = "a") {
    std::string plan = "node,rail,switch,speed\n";
    for (std::uint32_t node = 1; node <= full; ++node)
        for (int rail = 0; rail < 8; ++rail)
            plan += fmt::format("h{},mlx5_{},su1-leaf{},400\n", node, rail, rail + 1);
    for (std::uint32_t node = 1; node <= half; ++node)
        for (int rail = 0; rail < 4; ++rail)
            plan += fmt::format("{}{},mlx5_{},su1-leaf{},400\n", name, node + 100, rail, 2 * rail + 1);
    return plan;
}

/// But for those that say how a kind of nodes is built.
std::vector<std::string> blames_in(const std::string& plan) {
    auto found = of_plan(plan).findings();
    std::erase_if(found,
                  [](const auto& each) { return each.find("unless nodes of that name") != each.npos; });
    return found;
}

} // namespace

TEST(RailKinds, blames_no_node_where_others_have_half_the_adapters_on_every_second_leaf) {
    for (const auto* name : {"a", "h"})
        for (auto full : {3U, 4U, 8U, 16U})
            for (auto half : {1U, 2U, 3U, 4U, 8U, 16U, 24U}) {
                if (name == std::string("h") && half > full) continue; // of one name most may have lost them
                const auto found = blames_in(halves(full, half, name));
                for (const auto& each : found)
                    EXPECT_THAT(each, AllOf(MatchesRegex("[ah]10[0-9]: .*"), HasSubstr("adapter in sight")))
                        << full << " and " << half << " nodes " << name;
                EXPECT_LE(found.size(), half < 3 ? half : 0) << full << " and " << half << " nodes " << name;
            }
    const auto all = halves(8, 8);
    const auto mapped = of_plan(all);
    ASSERT_THAT(mapped.map.groups, testing::SizeIs(1));
    ASSERT_THAT(mapped.map.groups[0].rails, testing::SizeIs(8));
    for (const auto& rail : mapped.map.groups[0].rails) EXPECT_THAT(rail.switches, testing::SizeIs(1));
}

TEST(RailKinds, names_swapped_rails_beside_nodes_with_half_the_adapters) {
    const auto whole = halves(8, 8);
    const auto swapped = [&](const std::string& one, const std::string& other, const std::string& node) {
        auto plan =
            std::regex_replace(whole, std::regex("(" + node + ",mlx5_.),su1-leaf" + one + ","), "$1,X,");
        plan = std::regex_replace(plan, std::regex("(" + node + ",mlx5_.),su1-leaf" + other + ","),
                                  "$1,su1-leaf" + one + ",");
        return blames_in(std::regex_replace(plan, std::regex(",X,"), ",su1-leaf" + other + ","));
    };
    EXPECT_THAT(swapped("3", "4", "h3"),
                ElementsAre("h3: mlx5_2 is cabled to su1-leaf4, the leaf of mlx5_3 (expected su1-leaf3) "
                            "[rail-swapped]",
                            "h3: mlx5_3 is cabled to su1-leaf3, the leaf of mlx5_2 (expected su1-leaf4) "
                            "[rail-swapped]"));
    EXPECT_THAT(swapped("3", "5", "a103"),
                ElementsAre("a103: mlx5_1 is cabled to su1-leaf5, the leaf of mlx5_2 (expected su1-leaf3) "
                            "[rail-swapped]",
                            "a103: mlx5_2 is cabled to su1-leaf3, the leaf of mlx5_1 (expected su1-leaf5) "
                            "[rail-swapped]"));
}

TEST(RailKinds, names_two_nodes_where_either_may_have_its_rails_swapped) {
    for (auto nodes : {2U, 4U, 8U})
        for (auto rails : {2U, 8U})
            for (std::uint64_t seed = 1; seed <= 4; ++seed) {
                Synth pairs{.nodes = nodes, .rails = rails, .unit = 2, .spines = 2, .seed = seed};
                EXPECT_THAT(Mapped(pairs).findings(),
                            testing::Not(testing::Contains(HasSubstr("rail-swapped"))));
                pairs.faults = {"swapped-rails"};
                EXPECT_THAT(
                    Mapped(pairs).findings(),
                    testing::Contains(MatchesRegex(
                        "node[0-9] or node[0-9]: mlx5_., mlx5_. are on other leaves of .* than the other "
                        "node's .expected one leaf for each rail.; look which .* .rail-swapped.")))
                    << nodes << " nodes, " << rails << " rails, seed " << seed;
            }
}
