#include "topology/cabling.hpp"

#include "fabric_rig.hpp"
#include "topology/named_fabric.hpp"

#include <fmt/core.h>

#include <regex>

using namespace railhead::topology;
using railhead::sentence;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

namespace {

std::vector<std::string> inspected(const Synth& wanted) {
    return Mapped(wanted).findings();
}

Synth shape(std::vector<std::string> faults) {
    return {.nodes = 32, .rails = 4, .unit = 8, .spines = 8, .seed = 3, .faults = std::move(faults)};
}

} // namespace

TEST(Cabling, of_a_fabric_without_faults_is_no_finding) {
    EXPECT_THAT(inspected(shape({})), IsEmpty());
    auto with_storage = shape({});
    with_storage.storage = 4;
    with_storage.sharp = true;
    EXPECT_THAT(inspected(with_storage), IsEmpty());
}

TEST(Cabling, names_a_leaf_that_is_gone_and_the_adapters_that_it_leaves_idle) {
    for (auto nodes : {16U, 32U}) { // two groups of two rails, and four
        const auto found = inspected(
            {.nodes = nodes, .rails = 2, .unit = 8, .spines = 8, .seed = 3, .faults = {"dead-leaf"}});
        EXPECT_THAT(found, ElementsAre(AllOf(HasSubstr("has 1 adapter without a cable on 8 of its 8 nodes"),
                                             HasSubstr("[leaf-missing]")),
                                       HasSubstr("has no cable at all")));
    }
}

TEST(Cabling, names_a_leaf_that_one_of_two_groups_lacks_and_whose_adapters_are_not_seen) {
    auto text =
        *synthesize({.nodes = 16, .rails = 8, .unit = 8, .spines = 8, .seed = 1, .faults = {"dead-leaf"}});
    std::string seen; // without the adapters that have no cable
    for (std::size_t at = 0, next = 0; at != text.npos; at = next) {
        next = text.find("\nvendid", at + 1);
        auto box = text.substr(at, next == text.npos ? next : next - at);
        if (box.find("\nCa\t") == box.npos || box.find("\n[") != box.npos) seen += box;
    }
    EXPECT_THAT(Mapped(seen).findings(),
                testing::Contains(MatchesRegex(
                    R"(su.: has no leaf switch on rail mlx5_. \(expected one, as 1 other group has\); .*)")));
}

TEST(Cabling, says_nothing_of_cables_of_a_name_that_two_machines_have) {
    const auto whole = *synthesize(shape({}));
    const auto text = std::regex_replace(whole, std::regex("node30 "), "node05 "); // of su4 and of su1
    const Mapped mapped(text);
    EXPECT_THAT(mapped.findings(), IsEmpty());
    ASSERT_THAT(mapped.hosts.findings, testing::SizeIs(1));
    EXPECT_THAT(sentence(mapped.hosts.findings[0]),
                MatchesRegex("node05: adapters 0x[0-9a-f]+ and 0x[0-9a-f]+ both call themselves mlx5_0 of "
                             "node05; give each host its own name, .*"));
    auto expected = Mapped(whole).groups();
    expected["su4"].erase("node30");
    EXPECT_EQ(mapped.groups(), expected);
}

TEST(Cabling, counts_cables_where_adapters_are_not_named) {
    auto text = std::regex_replace(*synthesize(shape({"lost-cable"})),
                                   std::regex(R"re("(node[0-9]+) mlx5_[0-9]")re"), R"("$1")");
    EXPECT_THAT(Mapped(text).findings(),
                ElementsAre(MatchesRegex(
                    R"(node[0-9]+: has 3 cables to leaves \(expected 4, as most nodes of su.\); .*)")));
}

TEST(Cabling, takes_no_other_name_of_an_adapter_for_a_lost_cable) {
    std::string text = "node,rail,switch,speed\n";
    for (int node = 1; node <= 5; ++node)
        for (int rail = 0; rail < 4; ++rail)
            text +=
                fmt::format("n{},eth{},leaf{},400\n", node, node == 1 && rail > 1 ? rail + 2 : rail, rail);
    EXPECT_THAT(of_plan(text).findings(), IsEmpty());
}

TEST(Cabling, compares_switches_above_leaves_with_those_that_join_the_same_unit) {
    Synth three_tiers{.nodes = 64,
                      .rails = 2,
                      .unit = 8,
                      .pod_units = 4,
                      .spines = 8,
                      .cores = 8,
                      .seed = 5,
                      .faults = {"lost-core-cable"}};
    EXPECT_THAT(
        inspected(three_tiers),
        ElementsAre(MatchesRegex(R"(pod.-spine.: has 7 cables up \(expected 8, as most switches that )"
                                 R"(join pod. have\) \[uplinks-uneven\])")));
    auto four_tiers = three_tiers;
    four_tiers.zone_pods = 1;
    four_tiers.faults = {"lost-core-cable:2"};
    EXPECT_THAT(inspected(four_tiers), testing::SizeIs(2));
    four_tiers.faults = {};
    EXPECT_THAT(inspected(four_tiers), IsEmpty());
}

TEST(Cabling, names_a_leaf_that_is_gone_where_there_is_one_unit) {
    EXPECT_THAT(
        inspected({.nodes = 16, .rails = 8, .unit = 16, .spines = 16, .seed = 3, .faults = {"dead-leaf:2"}}),
        ElementsAre("su1: has 2 adapters without a cable on 16 of its 16 nodes (expected a leaf switch for "
                    "each rail); look for the switch, or for its cables [leaf-missing]",
                    HasSubstr("[switch-unplugged]"), HasSubstr("[switch-unplugged]")));
}

TEST(Cabling, tells_once_of_a_rail_that_most_nodes_of_a_group_are_not_on) {
    std::string plan = "node,rail,switch\n";
    for (int node = 1; node <= 8; ++node)
        for (int rail = 0; rail < 4; ++rail)
            if (rail != 2 || node > 5) plan += fmt::format("n{},mlx5_{},leaf{}\n", node, rail, rail);
    const auto found = of_plan(plan).cabling();
    ASSERT_THAT(found, testing::SizeIs(1));
    EXPECT_THAT(sentence(found[0].finding), HasSubstr("has 5 of 8 nodes without a cable on rail mlx5_2"));
    EXPECT_EQ(found[0].finding.level, railhead::Level::warn) << "though no speed is told";
}

TEST(Cabling, names_a_node_in_the_wrong_unit_at_the_edge_of_its_own) {
    for (int moved : {1, 8, 9, 32}) {
        std::string plan = "node,rail,switch\n";
        for (int node = 1; node <= 32; ++node)
            for (int rail = 0; rail < 2; ++rail)
                plan += fmt::format("n{},{},u{}-leaf{}\n", node, rail,
                                    node == moved ? (node / 8 + 2) % 4 : (node - 1) / 8, rail);
        plan += "login1,0,u3-leaf0\nlogin1,1,u3-leaf1\n"; // its name has no neighbours
        const auto found = of_plan(plan).cabling();
        ASSERT_THAT(found, testing::SizeIs(1)) << moved;
        EXPECT_EQ(found[0].finding.id, "unit-odd");
        EXPECT_EQ(found[0].finding.where, fmt::format("n{}", moved));
    }
}

TEST(Cabling, says_what_leaves_should_have_also_where_half_of_them_lack_it) {
    EXPECT_THAT(
        inspected({.nodes = 16, .rails = 1, .unit = 8, .spines = 4, .seed = 23, .faults = {"lost-uplink"}}),
        testing::Contains(HasSubstr("has 3 cables up (expected 4, as most leaves have)")));
    Synth two_spines{.nodes = 128,
                     .rails = 1,
                     .unit = 8,
                     .pod_units = 2,
                     .spines = 2,
                     .cores = 2,
                     .faults = {"lost-core-cable"}};
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        two_spines.seed = seed;
        EXPECT_THAT(inspected(two_spines), testing::Contains(HasSubstr("[uplinks-uneven]"))) << seed;
        two_spines.spines = 1;
        EXPECT_THAT(inspected(two_spines), testing::Contains(HasSubstr("[uplinks-uneven]"))) << seed;
        two_spines.spines = 2;
    }
}

TEST(Cabling, tells_once_of_a_kind_of_nodes_that_has_fewer_adapters) {
    auto text = *synthesize(shape({}));
    for (int i = 1; i <= 4; ++i) text = with_adapter(text, fmt::format("cpu{} mlx5_0", i), "su1-leaf1");
    EXPECT_THAT(
        Mapped(text).findings(),
        ElementsAre("su1: cpu[1-4] have at most 1 adapter in sight (expected 4, as most nodes there); "
                    "look at the cables, unless nodes of that name have no more [rail-missing]"));
    text = with_adapter(text, "cpu5 mlx5_0", "su2-leaf1");
    text = with_adapter(text, "cpu5 mlx5_1", "su2-leaf2");
    text = with_adapter(text, "node33 mlx5_1", "su2-leaf2");
    EXPECT_THAT(Mapped(text).findings(),
                testing::Contains(testing::StartsWith("node33: has no adapter in sight")))
        << "its like have more";
}

TEST(Cabling, has_no_speed_and_yet_is_wrong) {
    std::string plan = "node,rail,switch\n";
    for (int node = 1; node <= 8; ++node)
        for (int rail = 0; rail < 4; ++rail)
            plan += fmt::format("n{},mlx5_{},leaf{}\n", node, rail, node == 3 && rail < 2 ? 1 - rail : rail);
    for (const auto& found : of_plan(plan).cabling())
        EXPECT_EQ(found.finding.level, railhead::Level::warn) << sentence(found.finding);
}

TEST(Cabling, tells_swapped_ports_of_one_adapter) {
    auto fabric_with = [](bool swapped, bool both_leaves_of_one_port) {
        FabricBuilder build;
        std::uint32_t leaves[2];
        for (std::uint32_t i = 0; i < 2; ++i) {
            leaves[i] = build.device(DeviceKind::network_switch, 1 + i);
            build.at(leaves[i]).description = i == 0 ? "leaf1" : "leaf2";
            build.at(leaves[i]).line = 1;
        }
        for (std::uint16_t node = 1; node <= 6; ++node) {
            auto adapter = build.device(DeviceKind::adapter, 0x100U + node);
            build.at(adapter).description = build.keep(fmt::format("node{} mlx5_0", node));
            build.at(adapter).line = 1;
            for (std::uint16_t port = 1; port <= 2; ++port) {
                auto to = swapped && node == 3 ? 2 - port : port - 1;
                if (!both_leaves_of_one_port || port == 1)
                    build.link(adapter, port, leaves[both_leaves_of_one_port ? node % 2 : to], node, {}, 1);
            }
        }
        return std::move(build).finish();
    };
    auto said = [](Fabric fabric) { return Mapped(std::move(fabric)).findings(); };
    EXPECT_THAT(said(fabric_with(true, false)),
                testing::UnorderedElementsAre("node3: mlx5_0 port 1 is cabled to leaf2, the leaf of mlx5_0 "
                                              "port 2 (expected leaf1) [rail-swapped]",
                                              "node3: mlx5_0 port 2 is cabled to leaf1, the leaf of mlx5_0 "
                                              "port 1 (expected leaf2) [rail-swapped]"));
    EXPECT_THAT(said(fabric_with(false, false)), IsEmpty());
    EXPECT_THAT(said(fabric_with(false, true)), IsEmpty()) << "two leaves of one port are no swap";
}

TEST(Cabling, names_a_node_in_the_wrong_unit_where_names_follow_units) {
    EXPECT_THAT(
        inspected(shape({"moved-node"})),
        ElementsAre(MatchesRegex(
            R"(node[0-9]+: is in su., and the nodes next to it by name in su.; look .* \[unit-odd\])")));
    // Nodes that are dealt out in turn are all between two of another unit.
    std::string plan = "node,switch\n";
    for (int i = 1; i <= 32; ++i) plan += fmt::format("n{},leaf{}\n", i, i % 2);
    EXPECT_THAT(of_plan(plan).findings(), IsEmpty());
}

TEST(Cabling, compares_links_to_shared_leaves_with_their_like) {
    std::string plan = "node,switch,rail,speed\n";
    for (int i = 1; i <= 16; ++i)
        plan += fmt::format("n{0},leaf{1},eth0,400\nn{0},leaf{1}b,eth1,400\nn{0},stor,eth2,100\n", i,
                            (i + 7) / 8);
    EXPECT_THAT(of_plan(plan).findings(), IsEmpty());
}

TEST(Cabling, names_a_lost_cable) {
    EXPECT_THAT(
        inspected(shape({"lost-cable"})),
        ElementsAre(MatchesRegex(
            R"(node[0-9]+: has no cable on 1 of 4 rails \(mlx5_[0-3]\); look at .* \[rail-missing\])")));
}

TEST(Cabling, names_both_ends_of_swapped_rails) {
    EXPECT_THAT(
        inspected(shape({"swapped-rails"})),
        ElementsAre(
            MatchesRegex(
                R"(node[0-9]+: mlx5_. is cabled to su(.)-leaf., the leaf of mlx5_. \(expected su.-leaf.\) \[rail-swapped\])"),
            HasSubstr("[rail-swapped]")));
}

TEST(Cabling, names_a_cable_in_another_unit) {
    EXPECT_THAT(
        inspected(shape({"foreign-cable"})),
        ElementsAre(MatchesRegex(
            R"(node[0-9]+: mlx5_. is cabled to su.-leaf. of su. \(expected a leaf of su., where its other cables are\) \[foreign-cable\])")));
}

TEST(Cabling, says_once_that_a_leaf_is_gone) {
    auto sentences = inspected(shape({"dead-leaf"}));
    ASSERT_FALSE(sentences.empty());
    EXPECT_THAT(
        sentences.front(),
        MatchesRegex(
            R"(su.: has no leaf switch on rail mlx5_. \(expected one, as 3 other groups have\); look .* \[leaf-missing\])"));
    EXPECT_THAT(sentences, testing::Not(testing::Contains(HasSubstr("[rail-missing]"))));
}

TEST(Cabling, names_slow_and_narrow_links) {
    EXPECT_THAT(
        inspected(shape({"slow-link"})),
        ElementsAre(AllOf(HasSubstr("runs at 4xEDR (expected 200 Gbit/s"), HasSubstr("[link-slow]"))));
    EXPECT_THAT(
        inspected(shape({"narrow-link"})),
        ElementsAre(AllOf(HasSubstr("runs at 1xHDR (expected 200 Gbit/s"), HasSubstr("[link-narrow]"))));
}

TEST(Cabling, names_what_leads_back_to_its_device) {
    const auto whole = *synthesize(shape({}));
    std::smatch leaf;
    ASSERT_TRUE(std::regex_search(whole, leaf, std::regex("Switch[^\"]*\"(S-[0-9a-f]+)\"[^\n]*\n")));
    const auto self = fmt::format("\"{}\"", leaf[1].str());
    const auto with = [&](int from, int to) {
        const auto line = fmt::format("[{}]\t{}[{}]\t\t# \"x\" lid 1 4xEDR\n", from, self, to);
        return Mapped(whole.substr(0, static_cast<std::size_t>(leaf.position() + leaf.length())) + line +
                      leaf.suffix().str())
            .findings();
    };
    EXPECT_THAT(with(60, 60), ElementsAre(MatchesRegex(
                                  "[^ ]+ port 60: leads back to itself, as with a loop plug .expected a "
                                  "cable to another one.; .* \\[link-loop\\]")));
    EXPECT_THAT(with(60, 61), ElementsAre(HasSubstr(" port 60 - port 61: leads back to the same device (")));
}

TEST(Cabling, names_a_leaf_with_fewer_uplinks) {
    EXPECT_THAT(inspected(shape({"lost-uplink"})),
                ElementsAre(MatchesRegex(
                    R"(su.-leaf.: has 7 cables up \(expected 8, as most leaves have\) \[uplinks-uneven\])")));
}

TEST(Cabling, says_the_dearest_first) {
    auto sentences = inspected(shape({"narrow-link", "half-node", "slow-link"}));
    ASSERT_EQ(sentences.size(), 3U);
    EXPECT_THAT(sentences[0], HasSubstr("[rail-missing]"));
    EXPECT_THAT(sentences[1], HasSubstr("[link-narrow]"));
    EXPECT_THAT(sentences[2], HasSubstr("[link-slow]"));
}

TEST(Cabling, says_once_that_a_fabric_is_over_subscribed) {
    auto half = shape({});
    half.spines = 4;
    EXPECT_THAT(
        inspected(half),
        ElementsAre(
            "half of the leaves have 2.0 times as much bandwidth down as up, or more [oversubscribed]"));
}

TEST(Cabling, names_leaves_that_lack_a_cable_up_also_where_most_do) {
    for (auto lost : {5U, 8U, 12U}) {
        const Synth wanted{.nodes = 32,
                           .rails = 4,
                           .unit = 8,
                           .spines = 8,
                           .seed = 11,
                           .faults = {fmt::format("lost-uplink:{}", lost)}};
        const Mapped mapped(wanted);
        std::map<std::string, std::uint32_t> up;
        for (const auto& link : mapped.fabric.links)
            if (mapped.fabric.joins_switches(link))
                for (auto end : {link.a, link.b})
                    if (mapped.map.grouping.is_leaf[end])
                        ++up[std::string(mapped.fabric.devices[end].description)];
        std::set<std::string> lacking, named;
        for (const auto& [leaf, cables] : up)
            if (cables < 8) lacking.insert(leaf.substr(4, leaf.find(':') - 4));
        for (const auto& each : mapped.findings())
            if (each.find("[uplinks-uneven]") != each.npos && each.starts_with("su"))
                named.insert(each.substr(0, each.find(':')));
        EXPECT_EQ(named, lacking) << lost;
    }
}

TEST(Cabling, blames_no_leaf_that_is_built_with_fewer_cables_up) {
    NamedFabric build{Text("")};
    for (int leaf = 0; leaf < 12; ++leaf) {
        const auto own = build.network_switch(fmt::format("leaf{}", leaf), 1);
        for (int node = 0; node < 4; ++node)
            build.link(own, build.adapter(fmt::format("n{}", leaf * 4 + node), "mlx5_0", 1), 1);
        for (int spine = 0; spine < 4; ++spine) // each rail has its own spines
            build.link(own, build.network_switch(fmt::format("spine{}-{}", leaf % 2, spine), 1), 1);
    }
    EXPECT_THAT(Mapped(std::move(build).finish()).findings(), IsEmpty());
}

TEST(Cabling, looks_for_the_name_of_an_adapter_where_all_that_are_seen_have_cables) {
    auto with_storage = shape({});
    with_storage.storage = 4;
    const auto whole = *synthesize(with_storage);
    const auto text = std::regex_replace(whole, std::regex("node07 mlx5_2"), "MT4123 ConnectX6");
    EXPECT_THAT(
        Mapped(text).findings(),
        ElementsAre("node07: has no adapter in sight on 1 of 4 rails (mlx5_2); look at the cable, the "
                    "port and the adapter's name, unless it has no more [rail-missing]"));
    with_storage.faults = {"lost-cable"};
    EXPECT_THAT(inspected(with_storage), ElementsAre(HasSubstr("look at the cable and the port there")));
}

TEST(Cabling, calls_a_slow_link_after_the_host_of_the_map) {
    FabricBuilder build;
    const auto leaf = build.device(DeviceKind::network_switch, 1);
    build.at(leaf).description = "leaf1";
    Naming naming;
    for (std::uint16_t i = 1; i <= 4; ++i) {
        const auto adapter = build.device(DeviceKind::adapter, 0x10U + i);
        build.at(adapter).description = "MT25408 ConnectX Mellanox Technologies";
        naming.adapters[0x10U + i] = "node" + std::to_string(i) + " ";
        build.link(leaf, i, adapter, 1, rate_from(i == 4 ? "4xDDR" : "4xQDR"), i);
    }
    const auto fabric = std::move(build).finish();
    const auto hosts = hosts_of(fabric, naming);
    const auto found = cabling_findings(fabric, hosts, rail_map_of(fabric, hosts));
    ASSERT_THAT(found, testing::SizeIs(1));
    EXPECT_EQ(found[0].finding.where, "leaf1 port 4 - node4 port 1");
}
