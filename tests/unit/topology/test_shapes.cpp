// Fabrics that are no fat trees of rails.
#include "fabric_rig.hpp"

#include "topology/named_fabric.hpp"

#include <fmt/core.h>

using namespace railhead::topology;

namespace {

std::string conf_of(NamedFabric build) {
    auto fabric = std::move(build).finish();
    auto hosts = hosts_of(fabric, {});
    return topology_conf(switch_tree_of(hosts, rail_map_of(fabric, hosts), {}));
}

} // namespace

TEST(Shape, flat_is_one_leaf) {
    NamedFabric build{Text("")};
    for (int i = 1; i <= 6; ++i)
        build.link(build.network_switch("sw", 1), build.adapter(fmt::format("n{}", i), "mlx5_0", 1), 1);
    EXPECT_EQ(conf_of(std::move(build)), "SwitchName=sw Nodes=n[1-6]\n");
}

TEST(Shape, director_is_a_leaf_for_each_line_card) {
    NamedFabric build{Text("")};
    for (int card = 1; card <= 3; ++card) {
        auto leaf = build.network_switch(fmt::format("MF0;core:CS8500/L0{}/U1", card), 1);
        for (int i = 1; i <= 4; ++i)
            build.link(leaf, build.adapter(fmt::format("n{}", card * 4 - 4 + i), "mlx5_0", 1), 1);
        for (int spine = 1; spine <= 2; ++spine)
            for (int cable = 0; cable < 2; ++cable)
                build.link(leaf, build.network_switch(fmt::format("MF0;core:CS8500/S0{}/U1", spine), 1), 1);
    }
    EXPECT_EQ(conf_of(std::move(build)), "SwitchName=core-L01 Nodes=n[1-4]\n"
                                         "SwitchName=core-L02 Nodes=n[5-8]\n"
                                         "SwitchName=core-L03 Nodes=n[9-12]\n"
                                         "SwitchName=fabric1 Switches=core-L[01-03]\n");
}

TEST(Shape, dragonfly_is_a_leaf_for_each_router_below_one_root) {
    // Three groups of two routers with two nodes each; all routers of a group and all groups are joined.
    NamedFabric build{Text("")};
    auto router = [&](int group, int number) {
        return build.network_switch(fmt::format("g{}r{}", group, number), 1);
    };
    for (int group = 1; group <= 3; ++group) {
        for (int number = 1; number <= 2; ++number)
            for (int i = 1; i <= 2; ++i)
                build.link(router(group, number),
                           build.adapter(fmt::format("n{}", group * 4 + number * 2 + i - 6), "hsn0", 1), 1);
        build.link(router(group, 1), router(group, 2), 1);
        build.link(router(group, 1), router(group % 3 + 1, 2), 1);
    }
    EXPECT_EQ(conf_of(std::move(build)), "SwitchName=g1r1 Nodes=n[1-2]\n"
                                         "SwitchName=g1r2 Nodes=n[3-4]\n"
                                         "SwitchName=g2r1 Nodes=n[5-6]\n"
                                         "SwitchName=g2r2 Nodes=n[7-8]\n"
                                         "SwitchName=g3r1 Nodes=n[9-10]\n"
                                         "SwitchName=g3r2 Nodes=n[11-12]\n"
                                         "SwitchName=fabric1 Switches=g1r[1-2],g2r[1-2],g3r[1-2]\n");
}

TEST(Shape, single_rail_tree_has_a_leaf_for_each_edge_switch) {
    NamedFabric build{Text("")};
    for (int edge = 1; edge <= 3; ++edge) {
        auto leaf = build.network_switch(fmt::format("edge{}", edge), 1);
        for (int i = 1; i <= 3; ++i)
            build.link(leaf, build.adapter(fmt::format("n{}", edge * 3 - 3 + i), "mlx5_0", 1), 1);
        for (int core = 1; core <= 2; ++core)
            build.link(leaf, build.network_switch(fmt::format("core{}", core), 1), 1);
    }
    EXPECT_EQ(conf_of(std::move(build)), "SwitchName=edge1 Nodes=n[1-3]\n"
                                         "SwitchName=edge2 Nodes=n[4-6]\n"
                                         "SwitchName=edge3 Nodes=n[7-9]\n"
                                         "SwitchName=fabric1 Switches=edge[1-3]\n");
}
