#include "topology/leaf_switches.hpp"

#include "fabric_rig.hpp"
#include "topology/named_fabric.hpp"
#include "topology/wanted.hpp"

using namespace railhead::topology;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

std::vector<std::string> finding_ids(const Mapped& mapped) {
    std::vector<std::string> found;
    for (const auto& [finding, cost] : mapped.cabling())
        if (finding.id != "oversubscribed") found.push_back(finding.id + " " + finding.where);
    return found;
}

/// The lines of the file for the nodes alone.
std::string conf_of_nodes(const std::string& text, std::uint32_t nodes) {
    Naming naming{.adapters = {}, .hosts = {}, .nodes = std::vector<std::string>()};
    const auto width = std::to_string(nodes).size();
    for (std::uint32_t node = 1; node <= nodes; ++node)
        naming.nodes->push_back(fmt::format("node{:0{}}", node, width));
    Mapped mapped(text, naming);
    keep_wanted(mapped.hosts, mapped.map);
    return mapped.conf();
}

/// Which switches are leaves of a fabric with so many hosts on each, and these cables between them.
std::vector<std::uint32_t> leaves_of(const std::vector<std::uint32_t>& hosts,
                                     const std::vector<std::pair<int, int>>& cables) {
    NamedFabric build{Text("")};
    std::vector<std::uint32_t> switches, found;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        switches.push_back(build.network_switch(fmt::format("sw{}", i), 1));
        for (std::uint32_t host = 0; host < hosts[i]; ++host)
            build.link(build.adapter(fmt::format("n{}-{}", i, host), "", 1), switches.back(), 1);
    }
    for (auto [one, other] : cables)
        build.link(switches[static_cast<std::size_t>(one)], switches[static_cast<std::size_t>(other)], 1);
    auto fabric = std::move(build).finish();
    auto its = hosts_of(fabric, {});
    std::vector<std::uint32_t> hosts_on(fabric.devices.size());
    for (const auto& port : its.ports) ++hosts_on[port.leaf];
    const auto leaves = leaf_switches(fabric, its, hosts_on);
    for (std::uint32_t i = 0; i < switches.size(); ++i)
        if (leaves[switches[i]]) found.push_back(i);
    return found;
}

} // namespace

TEST(LeafSwitches, are_no_switches_further_up_that_hosts_are_cabled_to) {
    struct Stray {
        Synth shape;
        std::vector<std::string> on;
    };
    const Synth two_tiers{.nodes = 32, .rails = 4, .unit = 16, .spines = 4};
    const Synth small{.nodes = 12, .rails = 4, .unit = 4, .spines = 4};
    const Synth pods{.nodes = 64, .rails = 4, .unit = 8, .pod_units = 2, .spines = 4, .cores = 4};
    auto half_up = pods; // a spine has as many cables up as down
    half_up.cores = 8;
    auto zones = pods;
    zones.unit = 4;
    zones.zone_pods = 2;
    zones.tops = 4;
    const std::vector<Stray> strays{{two_tiers, {"spine1"}},
                                    {two_tiers, {"spine1", "spine2"}},
                                    {two_tiers, {"spine1", "spine1"}},
                                    {small, {"spine1"}},
                                    {small, {"spine1", "spine1"}},
                                    {small, {"spine1", "spine2", "spine3", "spine4"}},
                                    {pods, {"core1"}},
                                    {pods, {"core1", "core2"}},
                                    {pods, {"core1", "core2", "core3", "core4"}},
                                    {pods, {"pod1-spine1"}},
                                    {half_up, {"pod1-spine1", "core1"}},
                                    {zones, {"pod1-spine1", "zone1-core1", "top1"}}};
    for (const auto& stray : strays) {
        const auto whole = *synthesize(stray.shape);
        auto text = whole;
        for (std::size_t i = 0; i < stray.on.size(); ++i)
            text = with_adapter(text, fmt::format("ufm{} mlx5_0", i), stray.on[i]);
        EXPECT_EQ(conf_of_nodes(text, stray.shape.nodes), conf_of_nodes(whole, stray.shape.nodes))
            << testing::PrintToString(stray.on);
        const auto found = finding_ids(Mapped(text));
        EXPECT_THAT(found, testing::SizeIs(stray.on.size()));
        EXPECT_THAT(found, Each(testing::StartsWith("host-on-spine ufm")));
    }
}

TEST(LeafSwitches, are_all_that_hold_few_hosts_and_join_nothing) {
    const Synth one_over{.nodes = 49, .rails = 4, .unit = 16, .pod_units = 2, .spines = 4, .cores = 4};
    EXPECT_THAT(Mapped(one_over).map.loose_hosts, IsEmpty()) << "the last unit has one node";
    const Synth pod_of_one{.nodes = 33, .rails = 4, .unit = 16, .pod_units = 2, .spines = 4, .cores = 4};
    EXPECT_THAT(Mapped(pod_of_one).map.loose_hosts, IsEmpty()) << "and the last pod that unit";
}

TEST(LeafSwitches, may_be_cabled_to_each_other) {
    EXPECT_THAT(leaves_of({8, 1, 8, 8}, {{0, 1}, {1, 2}, {2, 3}, {3, 0}}), ElementsAre(0, 1, 2, 3))
        << "a ring";
    EXPECT_THAT(leaves_of({8, 1, 8}, {{0, 1}, {1, 2}, {2, 0}}), ElementsAre(0, 1, 2)) << "a mesh";
    EXPECT_THAT(leaves_of({8, 1}, {{0, 1}}), ElementsAre(0, 1));
    EXPECT_THAT(leaves_of({8, 4, 8}, {{0, 1}, {1, 2}}), ElementsAre(0, 1, 2)) << "four are not few";
    EXPECT_THAT(leaves_of({8, 2, 8}, {{0, 1}, {1, 2}}), ElementsAre(0, 2)) << "it joins two leaves";
}

TEST(LeafSwitches, may_be_small_and_stand_between_others) {
    const auto chain_of = [](const std::vector<int>& sizes, int spines, const char* small) {
        NamedFabric build{Text("")};
        int node = 0;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            const auto own = build.network_switch(fmt::format("sw{}", i), 1);
            for (int host = 0; host < sizes[i]; ++host)
                build.link(build.adapter(fmt::format("{}{}", sizes[i] < 3 ? small : "n", ++node), "", 1), own,
                           1);
            if (i > 0) build.link(own, build.network_switch(fmt::format("sw{}", i - 1), 1), 1);
            for (int spine = 0; spine < spines; ++spine)
                build.link(own, build.network_switch(fmt::format("spine{}", spine), 1), 1);
        }
        return Mapped(std::move(build).finish());
    };
    for (const auto& sizes : std::vector<std::vector<int>>{
             {16, 2, 16}, {16, 2, 16, 16, 16}, {16, 1, 16, 16}, {16, 16, 2, 1, 16}}) {
        const auto chain = chain_of(sizes, 0, "n");
        EXPECT_THAT(chain.map.loose_hosts, IsEmpty()) << testing::PrintToString(sizes);
        EXPECT_THAT(chain.groups(), testing::SizeIs(sizes.size())) << testing::PrintToString(sizes);
        EXPECT_THAT(finding_ids(chain), IsEmpty()) << testing::PrintToString(sizes);
    }
    const auto managed = chain_of({16, 2, 16}, 0, "ufm");
    EXPECT_THAT(finding_ids(managed), testing::SizeIs(2)) << "they are no nodes";
}

TEST(LeafSwitches, are_no_spines_that_a_node_is_cabled_to_where_others_join_the_same) {
    const Synth shape{.nodes = 32, .rails = 1, .unit = 8, .spines = 2};
    const Mapped mapped(with_adapter(*synthesize(shape), "node33 mlx5_0", "spine1"));
    EXPECT_THAT(finding_ids(mapped), ElementsAre("host-on-spine node33"));
    EXPECT_THAT(mapped.conf(), testing::HasSubstr("SwitchName=on-spine Nodes=node33\n"));
}
