// Which hosts belong together, and whom the report names then, over many shapes.
#include "fabric_rig.hpp"

#include "topology/cabling.hpp"
#include "topology/other_hosts.hpp"

#include <regex>

#include <fmt/ranges.h>

using namespace railhead::topology;
using railhead::sentence;
using testing::IsEmpty;

namespace {

/// As `railhead topology report` and `generate` see it.
struct Seen : Mapped {
    explicit Seen(const std::string& text) : Mapped(text) { mark_others(hosts, map); }
    explicit Seen(const Synth& wanted) : Seen(*synthesize(wanted)) {}

    /// Whom a finding names.
    std::set<std::string> named() const {
        std::set<std::string> found;
        for (const auto& each : cabling_findings(fabric, hosts, map))
            if (each.finding.id != "oversubscribed") found.insert(each.finding.where);
        return found;
    }
    std::string sentences() const {
        std::string found;
        for (const auto& each : cabling_findings(fabric, hosts, map)) found += sentence(each.finding) + "\n";
        return found;
    }
    /// The switch of each adapter.
    std::map<std::string, std::string_view> cables() const {
        std::map<std::string, std::string_view> found;
        for (const auto& port : hosts.ports)
            found[fmt::format("{} {}", hosts.hosts[port.host].name, port.device)] =
                fabric.devices[port.leaf].description;
        return found;
    }
    /// The nodes of each group in the file.
    std::set<std::set<std::string>> written() const {
        std::set<std::set<std::string>> found;
        for (const auto& group : map.groups) {
            std::set<std::string> nodes;
            for (auto host : group.hosts)
                if (!hosts.hosts[host].is_other) nodes.emplace(hosts.hosts[host].name);
            if (!nodes.empty()) found.insert(std::move(nodes));
        }
        return found;
    }
};

/// The nodes that have other cables than they had.
std::set<std::string> changed(const Seen& before, const Seen& now) {
    std::set<std::string> found;
    const auto cables = before.cables();
    for (const auto& [adapter, leaf] : now.cables())
        if (cables.at(adapter) != leaf) found.insert(adapter.substr(0, adapter.find(' ')));
    return found;
}

/// `nodes` nodes on `rails` leaves and on `storage` leaves more, which `servers` servers are on as well.
std::string one_unit(std::uint32_t nodes, std::uint32_t rails, std::uint32_t leaves, const std::string& guest,
                     std::uint32_t guests) {
    auto text = *synthesize({.nodes = nodes, .rails = rails + leaves, .unit = nodes, .spines = 4});
    for (std::uint32_t i = 1; i <= guests; ++i)
        for (std::uint32_t leaf = 1; leaf <= leaves; ++leaf)
            text = with_adapter(text, fmt::format("{}{} mlx5_{}", guest, i, leaf - 1),
                                fmt::format("su1-leaf{}", rails + leaf));
    return text;
}

} // namespace

TEST(Grouping, blames_a_foreign_cable_on_its_node_and_on_nobody_besides) {
    for (auto rails : {2U, 3U, 8U})
        for (auto unit : {3U, 4U, 6U, 12U, 16U})
            for (auto nodes = unit + 1; nodes <= unit * 5 / 2; ++nodes) {
                Synth shape{.nodes = nodes, .rails = rails, .unit = unit, .spines = 2};
                const Seen whole(shape);
                shape.faults = {"foreign-cable"};
                for (shape.seed = one_in; shape.seed <= 6; shape.seed += one_in) {
                    const Seen now(shape);
                    ASSERT_EQ(now.named(), changed(whole, now))
                        << nodes << " nodes, " << rails << " rails, units of " << unit << ", seed "
                        << shape.seed << "\n"
                        << now.sentences();
                }
            }
}

TEST(Grouping, leaves_a_node_with_a_foreign_cable_in_its_unit_of_two_rails_whatever_the_other_s_size) {
    for (auto unit : {8U, 12U, 16U})
        for (auto last : {4U, 5U, unit - 1, unit}) { // hosts of the last unit
            Synth shape{.nodes = 2 * unit + last, .rails = 2, .unit = unit, .spines = 2};
            const auto expected = Seen(shape).groups();
            shape.faults = {"foreign-cable"};
            for (shape.seed = one_in; shape.seed <= 60; shape.seed += one_in)
                ASSERT_EQ(Seen(shape).groups(), expected)
                    << shape.nodes << " nodes, units of " << unit << ", seed " << shape.seed;
        }
}

TEST(Grouping, of_one_rail_names_two_nodes_where_either_may_be_in_the_wrong_unit) {
    const Synth shape{
        .nodes = 9, .rails = 1, .unit = 6, .spines = 2, .seed = 5, .faults = {"foreign-cable"}}; // node5
    EXPECT_THAT(Seen(shape).sentences(),
                testing::HasSubstr("node5 or node6: is in another unit than the order of names says"));
}

TEST(Grouping, has_no_storage_server_among_the_nodes_of_an_unharmed_fabric) {
    for (auto rails : {1U, 2U, 4U, 8U})
        for (auto unit : {5U, 7U, 16U, 17U, 20U})
            for (auto nodes : {unit, unit + 1, unit + 2, unit * 3 / 2, unit * 2, unit * 3, unit * 4 + 2})
                for (auto storage : {1U, 2U, 3U, 8U, 17U, 20U}) {
                    if ((rails + unit + nodes + storage) % one_in != 0) continue;
                    Synth shape{.nodes = nodes, .rails = rails, .unit = unit, .spines = 4};
                    const auto expected = Seen(shape).written();
                    shape.storage = storage;
                    if (storage > nodes && rails < 4) continue; // nobody knows: test_other_hosts.cpp
                    const Seen seen(shape);
                    ASSERT_THAT(seen.named(), IsEmpty())
                        << nodes << " nodes, " << rails << " rails, units of " << unit << ", " << storage
                        << " servers\n"
                        << seen.sentences();
                    ASSERT_EQ(seen.written(), expected) << nodes << " nodes, " << rails << " rails, units of "
                                                        << unit << ", " << storage << " servers";
                }
}

TEST(Grouping, has_no_server_of_leaves_that_all_nodes_of_the_only_unit_are_on) {
    for (auto nodes : {8U, 16U, 32U})
        for (auto rails : {4U, 8U})
            for (auto servers : {1U, 2U, nodes / 4}) {
                const Seen seen(one_unit(nodes, rails, 2, "oss", servers));
                ASSERT_THAT(seen.named(), IsEmpty()) << nodes << " nodes, " << servers << " servers";
                ASSERT_THAT(seen.written(), testing::SizeIs(1));
                EXPECT_THAT(*seen.written().begin(), testing::SizeIs(nodes)) << servers << " servers";
            }
}

TEST(Grouping, keeps_as_many_hosts_of_one_rail_in_the_unit_whose_nodes_are_all_on_it) {
    for (auto rails : {2U, 4U, 8U})
        for (auto cpus : {8U, 16U, 17U, 40U}) {
            auto text = *synthesize({.nodes = 32, .rails = rails, .unit = 16, .spines = 4});
            for (std::uint32_t i = 1; i <= cpus; ++i)
                text = with_adapter(text, fmt::format("cpu{} mlx5_0", i), "su1-leaf1");
            const Seen seen(text);
            EXPECT_THAT(seen.map.storage_leaves, IsEmpty()) << cpus;
            ASSERT_THAT(seen.map.groups, testing::SizeIs(2)) << cpus;
            EXPECT_THAT(seen.map.groups[0].hosts, testing::SizeIs(16 + cpus));
            EXPECT_THAT(seen.map.groups[0].rails, testing::SizeIs(rails));
            const auto said = seen.sentences();
            EXPECT_LE(std::count(said.begin(), said.end(), '\n'), 2) << said << "not one for each";
            for (const auto& each : cabling_findings(seen.fabric, seen.hosts, seen.map))
                EXPECT_EQ(each.finding.level, railhead::Level::info) << said;
        }
}

TEST(Grouping, keeps_a_unit_whole_with_guests_on_each_of_its_leaves) {
    for (auto rails : {2U, 4U, 8U})
        for (auto unit : {4U, 8U, 16U})
            for (auto cpus : {1U, 2U, unit / 2, unit}) {
                auto text = *synthesize({.nodes = 2 * unit, .rails = rails, .unit = unit, .spines = 4});
                std::uint32_t cpu = 100;
                for (std::uint32_t leaf = 0; leaf < 2 * rails; ++leaf)
                    for (std::uint32_t i = 0; i < cpus; ++i)
                        text = with_adapter(text, fmt::format("cpu{} mlx5_0", ++cpu),
                                            fmt::format("su{}-leaf{}", leaf / rails + 1, leaf % rails + 1));
                const Seen seen(text);
                const auto what = fmt::format("{} rails, units of {}, {} guests a leaf\n", rails, unit, cpus);
                ASSERT_THAT(seen.map.groups, testing::SizeIs(2)) << what;
                for (const auto& group : seen.map.groups) {
                    EXPECT_THAT(group.rails, testing::SizeIs(rails)) << what;
                    EXPECT_THAT(group.hosts, testing::SizeIs(unit + rails * cpus)) << what;
                }
                for (const auto& each : cabling_findings(seen.fabric, seen.hosts, seen.map))
                    EXPECT_EQ(each.finding.level, railhead::Level::info) << what << sentence(each.finding);
            }
}

TEST(Grouping, keeps_units_of_one_rail_apart_that_a_few_servers_are_on) {
    auto text = *synthesize({.nodes = 32, .rails = 1, .unit = 8, .spines = 4});
    for (int server = 1; server <= 4; ++server)
        for (const auto* leaf : {"su1-leaf1", "su2-leaf1"})
            text = with_adapter(text, fmt::format("oss{} mlx5_{}", server, leaf[2] - '1'), leaf);
    EXPECT_THAT(Seen(text).written(), testing::SizeIs(testing::Ge(4)));
}

TEST(Grouping, makes_nothing_of_nothing) {
    const Fabric fabric;
    const Hosts hosts;
    EXPECT_THAT(rail_map_of(fabric, hosts).groups, IsEmpty());
}

TEST(Grouping, leaves_a_node_that_has_lost_a_rail_where_it_was_however_many_cables_it_has_to_storage) {
    std::string plan = "node,rail,switch\n";
    for (int node = 1; node <= 24; ++node) {
        for (int rail = 0; rail < 2; ++rail)
            plan += fmt::format("n{},mlx5_{},su{}-leaf{}\n", node, rail, (node + 7) / 8, rail + 1);
        for (int leaf = 1; leaf <= 2; ++leaf)
            plan += fmt::format("n{},mlx5_{},storage{}\n", node, leaf + 1, leaf);
    }
    for (int server = 1; server <= 3; ++server)
        for (int leaf = 1; leaf <= 2; ++leaf)
            plan += fmt::format("fs{},mlx5_{},storage{}\n", server, leaf - 1, leaf);
    const auto whole = of_plan(plan).groups();
    for (const auto* node : {"n1", "n8", "n20"})
        for (const auto* rail : {"mlx5_0", "mlx5_1"}) {
            const auto harmed =
                std::regex_replace(plan, std::regex(fmt::format("{},{},.*\n", node, rail)), "");
            EXPECT_EQ(of_plan(harmed).groups(), whole) << node << " without " << rail;
        }
}
