// Fabrics that are no fat trees of rails.
#include "fabric_rig.hpp"

#include "topology/cabling.hpp"
#include "topology/named_fabric.hpp"

#include <fmt/core.h>

#include <ctime>

using namespace railhead::topology;

namespace {

std::string conf_of(NamedFabric build) {
    auto fabric = std::move(build).finish();
    auto hosts = hosts_of(fabric, {});
    return topology_conf(switch_tree_of(hosts, rail_map_of(fabric, hosts), {}));
}

/// Of a fabric of switches with two nodes each and these cables between them.
std::vector<std::string> findings_of(const std::vector<std::pair<int, int>>& cables) {
    NamedFabric build{Text("")};
    auto router = [&](int number) { return build.network_switch(fmt::format("r{}", number), 1); };
    for (auto [one, other] : cables) {
        build.link(router(one), router(other), 1);
        for (auto own : {one, other})
            for (int i = 1; i <= 2; ++i)
                build.link(router(own), build.adapter(fmt::format("n{}-{}", own, i), "hsn0", 1), 1);
    }
    auto fabric = std::move(build).finish();
    auto hosts = hosts_of(fabric, {});
    std::vector<std::string> found;
    for (const auto& each : cabling_findings(fabric, hosts, rail_map_of(fabric, hosts)))
        if (each.finding.id == "uplinks-uneven") found.push_back(sentence(each.finding));
    return found;
}

} // namespace

TEST(Shape, without_spines_shows_a_lost_cable_by_the_two_switches_that_lack_it) {
    std::vector<std::pair<int, int>> torus, ring, mesh, dragonfly;
    for (int at = 0; at < 16; ++at) {
        torus.emplace_back(at, at / 4 * 4 + (at + 1) % 4);
        torus.emplace_back(at, (at + 4) % 16);
        if (at % 4 < 3) mesh.emplace_back(at, at + 1);
        if (at < 12) mesh.emplace_back(at, at + 4);
    }
    for (int at = 0; at < 8; ++at) ring.emplace_back(at, (at + 1) % 8);
    for (int group = 0; group < 5; ++group)
        for (int one = 0; one < 4; ++one) {
            for (int other = 0; other < one; ++other)
                dragonfly.emplace_back(group * 4 + one, group * 4 + other);
            for (int far = group + 1; far < 5; ++far)
                if ((far - 1) % 4 == one) dragonfly.emplace_back(group * 4 + one, far * 4 + group);
        }
    EXPECT_THAT(findings_of(mesh), testing::IsEmpty()) << "its edges have fewer";
    for (auto& cables : {torus, ring, dragonfly}) {
        EXPECT_THAT(findings_of(cables), testing::IsEmpty());
        for (std::size_t lost = 0; lost < cables.size(); ++lost) {
            auto left = cables;
            left.erase(left.begin() + static_cast<std::ptrdiff_t>(lost));
            const auto found = findings_of(left);
            ASSERT_THAT(found, testing::SizeIs(2)) << lost;
            auto names = [&](int end) {
                return testing::Contains(testing::StartsWith(fmt::format("r{}: has ", end)));
            };
            EXPECT_THAT(found, names(cables[lost].first));
            EXPECT_THAT(found, names(cables[lost].second));
        }
    }
}

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

TEST(Shape, dragonfly_has_a_pod_for_each_group_and_a_torus_none) {
    NamedFabric build{Text("")};
    auto router = [&](int group, int number) {
        return build.network_switch(fmt::format("g{}-r{}", group, number), 1);
    };
    for (int group = 1; group <= 3; ++group)
        for (int number = 1; number <= 4; ++number) {
            build.link(router(group, number),
                       build.adapter(fmt::format("n{}", group * 4 + number - 4), "hsn0", 1), 1);
            for (int other = 1; other < number; ++other)
                build.link(router(group, number), router(group, other), 1);
            build.link(router(group, 1), router(group % 3 + 1, 2), 1);
        }
    EXPECT_EQ(conf_of(std::move(build)), "SwitchName=g1-r1 Nodes=n1\nSwitchName=g1-r2 Nodes=n2\n"
                                         "SwitchName=g1-r3 Nodes=n3\nSwitchName=g1-r4 Nodes=n4\n"
                                         "SwitchName=g2-r1 Nodes=n5\nSwitchName=g2-r2 Nodes=n6\n"
                                         "SwitchName=g2-r3 Nodes=n7\nSwitchName=g2-r4 Nodes=n8\n"
                                         "SwitchName=g3-r1 Nodes=n9\nSwitchName=g3-r2 Nodes=n10\n"
                                         "SwitchName=g3-r3 Nodes=n11\nSwitchName=g3-r4 Nodes=n12\n"
                                         "SwitchName=g1 Switches=g1-r[1-4]\n"
                                         "SwitchName=g2 Switches=g2-r[1-4]\n"
                                         "SwitchName=g3 Switches=g3-r[1-4]\n"
                                         "SwitchName=fabric1 Switches=g[1-3]\n");
    NamedFabric torus{Text("")}; // 4 x 4
    for (int at = 0; at < 16; ++at) {
        auto own = torus.network_switch(fmt::format("t{}", at), 1);
        torus.link(own, torus.adapter(fmt::format("n{}", at), "hsn0", 1), 1);
        torus.link(own, torus.network_switch(fmt::format("t{}", at / 4 * 4 + (at + 1) % 4), 1), 1);
        torus.link(own, torus.network_switch(fmt::format("t{}", (at + 4) % 16), 1), 1);
    }
    EXPECT_THAT(conf_of(std::move(torus)), testing::EndsWith("SwitchName=fabric1 Switches=t[0-15]\n"));
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

namespace {

/// The routers of each pod of a dragonfly without the cable number `lost`: routers of a pod are all joined,
/// and any two pods are by one cable.
std::set<std::set<std::string>> pods_of(int pods, int routers, std::size_t lost) {
    NamedFabric build{Text("")};
    auto router = [&](int pod, int number) {
        return build.network_switch(fmt::format("g{}-r{}", pod, number), 1);
    };
    std::size_t cable = 0;
    auto join = [&](std::uint32_t one, std::uint32_t other) {
        if (cable++ != lost) build.link(one, other, 1);
    };
    for (int pod = 0; pod < pods; ++pod)
        for (int one = 0; one < routers; ++one) {
            for (int i = 0; i < 2; ++i)
                build.link(router(pod, one), build.adapter(fmt::format("n{}-{}-{}", pod, one, i), "hsn0", 1),
                           1);
            for (int other = 0; other < one; ++other) join(router(pod, one), router(pod, other));
            for (int far = pod + 1; far < pods; ++far)
                if ((far - 1) % routers == one) join(router(pod, one), router(far, pod % routers));
        }
    const Mapped mapped(std::move(build).finish());
    std::map<std::uint32_t, std::set<std::string>> found;
    if (mapped.map.tiers.size() > 1)
        for (std::size_t group = 0; group < mapped.map.groups.size(); ++group)
            found[mapped.map.tiers[0].of_group[group]].insert(mapped.map.groups[group].name);
    std::set<std::set<std::string>> sets;
    for (const auto& [pod, names] : found) sets.insert(names);
    return sets;
}

} // namespace

TEST(Shape, dragonfly_with_more_cables_between_pods_than_in_them_has_none) {
    constexpr int pods = 6, routers = 4, parallel = 2;
    std::vector<std::pair<std::string, std::string>> cables;
    auto router = [](int pod, int number) { return fmt::format("g{}-r{}", pod, number % routers); };
    for (int pod = 0; pod < pods; ++pod) {
        for (int one = 0; one < routers; ++one)
            for (int other = 0; other < one; ++other)
                cables.emplace_back(router(pod, one), router(pod, other));
        for (int far = 0; far < pod; ++far)
            for (int i = 0; i < parallel; ++i)
                cables.emplace_back(router(pod, far + i), router(far, pod + i));
    }
    for (std::size_t lost = 0; lost <= cables.size(); ++lost) {
        NamedFabric build{Text("")};
        auto network_switch = [&](const std::string& name) { return build.network_switch(name, 1); };
        for (int pod = 0; pod < pods; ++pod)
            for (int one = 0; one < routers; ++one)
                build.link(network_switch(router(pod, one)),
                           build.adapter(fmt::format("n{}-{}", pod, one), "hsn0", 1), 1);
        for (std::size_t cable = 0; cable < cables.size(); ++cable)
            if (cable != lost)
                build.link(network_switch(cables[cable].first), network_switch(cables[cable].second), 1);
        EXPECT_THAT(Mapped(std::move(build).finish()).map.tiers, testing::SizeIs(1))
            << "without cable " << lost;
    }
}

TEST(Shape, dragonfly_of_pairs_has_no_pod_where_three_happen_to_be_joined) {
    NamedFabric build{Text("")};
    auto router = [&](int number) { return build.network_switch(fmt::format("r{}", number), 1); };
    for (int number = 0; number < 10; ++number) {
        build.link(router(number), build.adapter(fmt::format("n{}", number), "hsn0", 1), 1);
        if (number % 2 == 0) build.link(router(number), router(number + 1), 1);
        if (number % 2 == 1) build.link(router(number), router((number + 1) % 10), 1);
    }
    build.link(router(0), router(2), 1);
    build.link(router(2), router(8), 1);
    build.link(router(8), router(0), 1);
    EXPECT_THAT(Mapped(std::move(build).finish()).map.tiers, testing::SizeIs(1));
}

TEST(Shape, dragonfly_of_small_pods_has_the_same_with_one_cable_less) {
    for (int routers : {2, 3, 4})
        for (int pods = 4; pods <= routers * 2 + 1; ++pods) {
            const auto cables =
                static_cast<std::size_t>(pods * routers * (routers - 1) / 2 + pods * (pods - 1) / 2);
            const auto whole = pods_of(pods, routers, cables);
            EXPECT_THAT(whole, testing::SizeIs(routers == 2 ? 0 : pods)) << routers << " routers";
            for (std::size_t lost = 0; lost < cables; ++lost)
                ASSERT_EQ(pods_of(pods, routers, lost), whole)
                    << pods << " pods of " << routers << " without cable " << lost;
        }
}

TEST(Shape, of_many_leaves_on_one_switch_is_joined_at_once) {
    for (bool has_own : {false, true}) { // a switch above each leaf besides
        NamedFabric build{Text("")};
        const auto top = build.network_switch("top", 1);
        for (int i = 0; i < 8000; ++i) {
            const auto leaf = build.network_switch(fmt::format("leaf{}", i), 1);
            build.link(leaf, top, 1);
            if (has_own) build.link(leaf, build.network_switch(fmt::format("spine{}", i), 1), 1);
            build.link(leaf, build.adapter(fmt::format("n{}", i), "hsn0", 1), 1);
        }
        const auto began = std::clock();
        const Mapped mapped(std::move(build).finish());
        EXPECT_LT(static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC, 5);
        EXPECT_EQ(mapped.map.groups.size(), 8000U);
        ASSERT_EQ(mapped.map.tiers.size(), 1U);
        EXPECT_EQ(mapped.map.tiers[0].units, 1U);
    }
}
