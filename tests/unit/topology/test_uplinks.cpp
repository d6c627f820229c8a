// Cables between switches that are plugged in elsewhere than those of most.
#include "fabric_rig.hpp"
#include "topology/named_fabric.hpp"

using namespace railhead::topology;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// `leaves` leaves of four nodes with a cable to each of four spines.
Mapped with_spines(int leaves, int misplugged) {
    NamedFabric build{Text("")};
    for (int leaf = 0; leaf < leaves; ++leaf) {
        const auto own = build.network_switch(fmt::format("leaf{}", leaf + 1), 1);
        for (int node = 0; node < 4; ++node)
            build.link(own, build.adapter(fmt::format("n{}", leaf * 4 + node), "mlx5_0", 1), 1);
        for (int spine = 0; spine < 4; ++spine)
            build.link(own,
                       build.network_switch(
                           fmt::format("spine{}", leaf < misplugged && spine == 0 ? 2 : spine + 1), 1),
                       1);
    }
    return Mapped(std::move(build).finish());
}

/// Pods of four leaves, each cabled to the others of its pod and to its like of each other pod.
Mapped dragonfly(std::pair<int, int> lost, std::pair<int, int> instead) {
    NamedFabric build{Text("")};
    auto leaf = [&](int number) { return build.network_switch(fmt::format("leaf{}", number + 1), 1); };
    for (int one = 0; one < 16; ++one) {
        for (int node = 0; node < 4; ++node)
            build.link(leaf(one), build.adapter(fmt::format("n{}", one * 4 + node), "mlx5_0", 1), 1);
        for (int other = one + 1; other < 16; ++other)
            if ((one / 4 == other / 4 || one % 4 == other % 4) && std::pair(one, other) != lost)
                build.link(leaf(one), leaf(other), 1);
    }
    if (instead.first != instead.second) build.link(leaf(instead.first), leaf(instead.second), 1);
    return Mapped(std::move(build).finish());
}

} // namespace

TEST(Uplinks, that_lead_to_another_spine_are_told_though_each_leaf_has_as_many) {
    EXPECT_THAT(with_spines(8, 0).findings(), IsEmpty());
    EXPECT_THAT(
        with_spines(8, 1).findings(),
        ElementsAre("leaf1: has more cables to spine2 and fewer to spine1 than most leaves that share "
                    "its spines; look where these are plugged in [uplinks-uneven]"));
    EXPECT_THAT(with_spines(8, 3).findings(), IsEmpty()) << "it may be built so";
}

TEST(Uplinks, of_a_dragonfly_that_are_gone_or_lead_to_another_leaf_are_told) {
    EXPECT_THAT(dragonfly({-1, -1}, {0, 0}).findings(), IsEmpty());
    EXPECT_THAT(dragonfly({0, 4}, {0, 0}).findings(),
                ElementsAre(HasSubstr("leaf1: has 5 cables to other leaves"),
                            HasSubstr("leaf5: has 5 cables to other leaves")));
    EXPECT_THAT(dragonfly({0, 4}, {0, 5}).findings(), ElementsAre(HasSubstr("leaf5: has 5 cables")));
}

TEST(Cabling, compares_units_of_several_generations_with_themselves) {
    NamedFabric build{Text("")};
    const auto hdr = rate_from("4xHDR"), ndr = rate_from("4xNDR");
    for (int unit = 1; unit <= 4; ++unit)
        for (int rail = 0; rail < (unit > 2 ? 8 : 6); ++rail) {
            const auto leaf = build.network_switch(fmt::format("su{}-leaf{}", unit, rail), 1);
            const auto rate = unit > 2 ? ndr : hdr;
            for (int node = 0; node < 4; ++node)
                build.link(
                    leaf, build.adapter(fmt::format("n{}", unit * 4 + node), fmt::format("mlx5_{}", rail), 1),
                    1, unit == 1 && node + rail == 0 ? rate_from("4xEDR") : rate);
            for (int spine = 0; spine < (unit > 2 ? 8 : 4); ++spine)
                build.link(leaf, build.network_switch(fmt::format("spine{}", spine), 1), 1, rate);
        }
    EXPECT_THAT(Mapped(std::move(build).finish()).findings(),
                ElementsAre(HasSubstr("runs at 4xEDR (expected 200 Gbit/s")));
}

TEST(Fabric, is_the_same_where_a_source_is_given_twice) {
    const Synth shape{.nodes = 16, .rails = 2, .unit = 8};
    auto other = shape;
    other.faults = {"lost-cable:3"};
    const auto whole = read_ibnetdiscover(Text(*synthesize(shape)));
    const auto later = read_ibnetdiscover(Text(*synthesize(other)));
    const auto named = read_inventory_file(Text("node,rail,switch\nnode01,mlx5_0,leaf1\n"));
    ASSERT_TRUE(whole && later && named);
    EXPECT_TRUE(are_the_same(*whole, *later));
    EXPECT_FALSE(are_the_same(*whole, *named));
    EXPECT_FALSE(are_the_same(*whole, Fabric()));
}
