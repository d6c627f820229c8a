#include "topology/rail_spread.hpp"

#include "fabric_rig.hpp"

using namespace railhead::topology;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

std::vector<RailSpread> spread(const Mapped& mapped, const std::vector<std::string>& nodes) {
    return rail_spread(mapped.hosts, mapped.map, nodes);
}

/// The text without the cables between an adapter and a switch.
std::string without_cable(const Synth& shape, const std::string& adapter) {
    auto text = *synthesize(shape);
    for (auto at = text.find("# \"" + adapter + "\" lid"); at != text.npos;
         at = text.find("# \"" + adapter + "\" lid")) {
        auto begin = text.rfind('\n', at) + 1;
        text.erase(begin, text.find('\n', at) + 1 - begin);
    }
    auto own = text.find("# \"" + adapter + "\"\n");
    auto begin = text.find('\n', own) + 1;
    text.erase(begin, text.find('\n', begin) + 1 - begin);
    return text;
}

} // namespace

TEST(RailSpread, counts_the_leaf_switches_of_each_rail) {
    Mapped mapped(Synth{.nodes = 12, .rails = 2, .unit = 4, .storage = 2});
    auto rails = spread(mapped, {"node01", "node02", "node05", "unheard-of"});
    ASSERT_THAT(rails, SizeIs(2)) << "storage leaves are nobody's rail";
    EXPECT_EQ(rails[0].device, "mlx5_0");
    EXPECT_EQ(rails[0].switches, 2U);
    EXPECT_THAT(rails[0].without, IsEmpty());
    EXPECT_EQ(spread(mapped, {"node01", "node02"})[1].switches, 1U);
    EXPECT_THAT(spread(mapped, {}), IsEmpty());
}

TEST(RailSpread, names_the_nodes_that_a_rail_lacks) {
    Mapped mapped(without_cable({.nodes = 8, .rails = 2, .unit = 4}, "node2 mlx5_1"));
    auto rails = spread(mapped, {"node1", "node2", "node3"});
    ASSERT_THAT(rails, SizeIs(2));
    EXPECT_THAT(rails[0].without, IsEmpty());
    EXPECT_THAT(rails[1].without, ElementsAre("node2"));
}

TEST(RailSpread, shows_a_rail_that_is_cabled_to_more_switches_than_there_are_groups) {
    Mapped mapped(Synth{.nodes = 16, .rails = 4, .unit = 8, .faults = {"swapped-rails"}});
    std::vector<std::string> all;
    for (const auto& host : mapped.hosts.hosts) all.emplace_back(host.name);
    std::vector<std::size_t> switches;
    for (const auto& rail : spread(mapped, all)) switches.push_back(rail.switches);
    std::sort(switches.begin(), switches.end());
    EXPECT_THAT(switches, ElementsAre(2, 2, 3, 3));
}

TEST(RailSpread, takes_groups_and_pods_from_the_fabric) {
    Mapped mapped(Synth{.nodes = 16, .rails = 2, .unit = 4, .pod_units = 2, .spines = 2, .cores = 2});
    auto found = score(placed_on(mapped.hosts, mapped.map), {"node01", "node05", "node09"});
    EXPECT_EQ(found.groups, 3U);
    EXPECT_EQ(found.pods, 2U);
    EXPECT_EQ(found.unknown.size(), 0U);
}
