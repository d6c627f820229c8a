// What lldpd says, at hosts and at switches.
#include "topology/cabling.hpp"
#include "topology/readers.hpp"
#include "topology/switch_tree.hpp"
#include "topology/synth.hpp"

#include <gmock/gmock.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <regex>

using namespace railhead::topology;
using railhead::sentence;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

std::string tree_of(LldpFrom from, std::string_view text) {
    auto fabric = read_lldp(Text(text), from);
    if (!fabric) return sentence(fabric.error());
    auto hosts = hosts_of(*fabric, {});
    return topology_conf(switch_tree_of(hosts, rail_map_of(*fabric, hosts), {}));
}
std::string lldp_of_hosts(std::string_view text) {
    return tree_of(LldpFrom::hosts, text);
}
std::string lldp_of_switches(std::string_view text) {
    return tree_of(LldpFrom::switches, text);
}

/// One neighbour, which says what it can do.
std::string neighbour(const std::string& port, const std::string& name, bool is_bridge, const char* kind) {
    return fmt::format(
        R"({{"{0}": {{"chassis": {{"{1}": {{"capability": [{{"type": "Bridge", "enabled": {2}}}, {{"type": "Station", "enabled": true}}]}}}}, "port": {{"id": {{"type": "{3}", "value": "{0}"}}, "descr": "{0}"}}}}}})",
        port, name, is_bridge, kind);
}

struct Unit {
    const char* name;
    int first; ///< of two nodes
};

/// Two leaves of each unit, with two nodes that may have containers, and a spine.
std::string leaves(const std::vector<Unit>& units, bool have_containers, const char* ports_of_hosts) {
    std::string text;
    for (const auto& unit : units)
        for (int leaf = 1; leaf <= 2; ++leaf)
            text += fmt::format(
                R"({{"{}-leaf{}": {{"lldp": {{"interface": [{}, {}, {}]}}}}}})", unit.name, leaf,
                neighbour("swp1", fmt::format("node{}", unit.first), have_containers, ports_of_hosts),
                neighbour("swp2", fmt::format("node{}", unit.first + 1), have_containers, ports_of_hosts),
                neighbour("swp9", "spine1.site.org", true, "ifname"));
    return text;
}

std::vector<std::string> said(LldpFrom from, const std::string& text) {
    auto fabric = read_lldp(Text(text), from);
    std::vector<std::string> found;
    if (!fabric) return {sentence(fabric.error())};
    for (const auto& finding : fabric->findings) found.push_back(sentence(finding));
    return found;
}

} // namespace

TEST(Lldp, of_hosts_is_read_in_both_forms_of_lldpcli) {
    // One interface is an object, several are a list (json); json0 is lists all over.
    constexpr auto* text = R"({"node1": {"lldp": {"interface": [
        {"eth0": {"via": "LLDP", "chassis": {"leaf1.site.org": {"id": {"type": "mac", "value": "aa"}}}, "port": {"id": {"type": "ifname", "value": "swp1"}, "descr": "swp1"}}},
        {"eth1": {"via": "LLDP", "chassis": {"leaf2": {"id": {"type": "mac", "value": "bb"}}}, "port": {"id": {"type": "ifname", "value": "swp1"}}}}]}}}
{"node2": {"lldp": {"interface": {
        "eth0": {"chassis": {"leaf1": {}}, "port": {"id": {"type": "ifname", "value": "swp2"}}},
        "eth1": {"chassis": {"leaf2": {}}, "port": {"id": {"type": "ifname", "value": "swp2"}}}}}}}
{"node3": {"lldp": [{"interface": [
        {"name": "eth0", "via": "LLDP", "chassis": [{"id": [{"type": "mac", "value": "aa"}], "name": [{"value": "leaf3"}]}], "port": [{"id": [{"type": "ifname", "value": "swp1"}], "descr": [{"value": "swp1"}]}]}]}]}})";
    EXPECT_EQ(lldp_of_hosts(text), "SwitchName=leaf1 Nodes=node[1-2]\n"
                                   "SwitchName=leaf3 Nodes=node3\n"
                                   "SwitchName=root Switches=leaf[1,3]\n");
}

TEST(Lldp, of_switches_knows_what_joins_them) {
    auto host = [](int port, int node) {
        return fmt::format(
            R"({{"swp{}": {{"chassis": {{"node{}": {{}}}}, "port": {{"id": {{"type": "mac", "value": "0c"}}, "descr": "eth0"}}}}}})",
            port, node);
    };
    auto uplink = [](const char* port, const char* other, const char* at) {
        return fmt::format(
            R"({{"{}": {{"chassis": {{"{}": {{}}}}, "port": {{"id": {{"type": "ifname", "value": "{}"}}}}}}}})",
            port, other, at);
    };
    auto told = [](const char* name, const std::string& interfaces) {
        return fmt::format(R"({{"{}": {{"lldp": {{"interface": [{}]}}}}}})", name, interfaces);
    };
    auto text = told("leaf1", host(1, 1) + "," + host(2, 2) + "," + uplink("swp63", "spine1", "swp1")) +
                told("leaf2", host(1, 3) + "," + host(2, 4)) +
                told("spine1", uplink("swp1", "leaf1", "swp63") + "," + uplink("swp2", "leaf2", "swp63"));
    EXPECT_EQ(lldp_of_switches(text), "SwitchName=leaf1 Nodes=node[1-2]\n"
                                      "SwitchName=leaf2 Nodes=node[3-4]\n"
                                      "SwitchName=fabric1 Switches=leaf[1-2]\n");
    auto fabric = read_lldp(Text(text), LldpFrom::switches);
    EXPECT_THAT(fabric->links, SizeIs(6)) << "what both ends tell is one cable";
    EXPECT_EQ(hosts_of(*fabric, {}).ports[0].device, "eth0");
}

TEST(Lldp, says_what_it_cannot_read) {
    EXPECT_THAT(lldp_of_hosts(R"({"": {"lldp": {"interface": []}}})"), HasSubstr("whose neighbours"))
        << "an empty variable is no name of a node";
    EXPECT_THAT(
        lldp_of_hosts(R"({"lldp": {"interface": []}})"),
        HasSubstr("line 1: the answer does not say whose neighbours these are (expected {\"NODE\": "));
    EXPECT_THAT(lldp_of_hosts(R"({"node1": {}})"), HasSubstr("whose neighbours"));
    EXPECT_THAT(lldp_of_hosts(""), HasSubstr("whose neighbours"));
}

TEST(Lldp, of_leaves_only_knows_a_spine_by_what_it_says_and_whom_it_joins) {
    const auto* tree = "SwitchName=su1 Nodes=node[1-2]\n"
                       "SwitchName=su2 Nodes=node[3-4]\n"
                       "SwitchName=fabric1 Switches=su[1-2]\n";
    EXPECT_EQ(lldp_of_switches(leaves({{"su1", 1}, {"su2", 3}}, false, "mac")), tree);
    EXPECT_EQ(lldp_of_switches(leaves({{"su1", 1}, {"su2", 3}}, true, "mac")), tree)
        << "containers make a host a bridge";
    EXPECT_EQ(lldp_of_switches(leaves({{"su1", 1}, {"su2", 3}}, true, "ifname")), tree)
        << "half of the switches are not most";
    EXPECT_THAT(
        said(LldpFrom::switches, leaves({{"su1", 1}, {"su2", 3}}, true, "mac")),
        ElementsAre("1 neighbour (spine1) has Bridge or Router and cables to most of the switches that "
                    "answered, or to several units of them, so it is a switch; collect what they tell as "
                    "well, for the cables "
                    "between them"));
}

TEST(Lldp, of_leaves_only_knows_a_spine_where_nobody_says_what_it_can_do) {
    const auto text =
        std::regex_replace(leaves({{"su1", 1}, {"su2", 3}, {"su3", 5}}, false, "ifname"),
                           std::regex(R"re("capability": \[[^\]]*\])re"), R"("capability": [])");
    EXPECT_EQ(lldp_of_switches(text), "SwitchName=su1 Nodes=node[1-2]\n"
                                      "SwitchName=su2 Nodes=node[3-4]\n"
                                      "SwitchName=su3 Nodes=node[5-6]\n"
                                      "SwitchName=fabric1 Switches=su[1-3]\n");
    EXPECT_THAT(said(LldpFrom::switches, text),
                ElementsAre(HasSubstr("1 neighbour (spine1) has cables to most")));
}

TEST(Lldp, of_leaves_only_knows_the_spine_of_a_pod_that_is_less_than_half) {
    auto text = leaves({{"su1", 1}, {"su2", 3}}, true, "ifname");
    auto other = leaves({{"su3", 5}, {"su4", 7}, {"su5", 9}}, true, "ifname");
    for (std::size_t at = 0; (at = other.find("spine1", at)) != other.npos;) other[at + 5] = '2';
    EXPECT_EQ(lldp_of_switches(text + other), "SwitchName=su1 Nodes=node[1-2]\n"
                                              "SwitchName=su2 Nodes=node[3-4]\n"
                                              "SwitchName=su3 Nodes=node[5-6]\n"
                                              "SwitchName=su4 Nodes=node[7-8]\n"
                                              "SwitchName=su5 Nodes=node[9-10]\n"
                                              "SwitchName=fabric1 Switches=su[1-2]\n"
                                              "SwitchName=fabric2 Switches=su[3-5]\n"
                                              "SwitchName=root Switches=fabric[1-2]\n");
}

TEST(Lldp, names_what_might_be_a_switch) {
    EXPECT_THAT(said(LldpFrom::switches, leaves({{"su1", 1}, {"su2", 3}}, true, "ifname")),
                ElementsAre(HasSubstr("(spine1)"), HasSubstr("4 neighbours (node1, node2, node3, ...)")));
    const auto one_unit = leaves({{"su1", 1}}, true, "mac");
    EXPECT_EQ(lldp_of_switches(one_unit), "SwitchName=su1 Nodes=node[1-2]\n");
    EXPECT_THAT(
        said(LldpFrom::switches, one_unit),
        ElementsAre(HasSubstr("(spine1)"),
                    "2 neighbours (node1, node2) have Bridge or Router, as switches have and hosts with "
                    "containers, and are hosts here; where one is a switch, collect what it tells as well"));
    EXPECT_THAT(said(LldpFrom::switches, leaves({{"su1", 1}}, false, "mac")), SizeIs(1));
    EXPECT_EQ(lldp_of_switches(leaves({{"su1", 1}}, true, "ifname")),
              "SwitchName=su1 Nodes=node[1-2],spine1\n")
        << "what holds of all neighbours tells no switch apart";
    EXPECT_THAT(said(LldpFrom::switches, leaves({{"su1", 1}}, true, "ifname")),
                ElementsAre(HasSubstr("3 neighbours (node1, node2, spine1) have Bridge or Router")));
}

TEST(Lldp, of_a_host_without_a_neighbour_is_a_host_without_a_cable) {
    constexpr auto* text = R"({"node1": {"lldp": {"interface": {"eth0": {"chassis": {"leaf1": {}}}}}}}
                              {"node2": {"lldp": {}}} {"node3": {"lldp": {"interface": []}}})";
    EXPECT_EQ(lldp_of_hosts(text), "SwitchName=leaf1 Nodes=node1\n"
                                   "SwitchName=unplugged Nodes=node[2-3]\n"
                                   "SwitchName=root Switches=leaf1,unplugged\n");
    EXPECT_THAT(said(LldpFrom::hosts, text), IsEmpty());
}

TEST(Lldp, says_which_names_are_no_nodes) {
    constexpr auto* text = R"({"n": {"lldp": {"interface": {"eth0": {"chassis": {"leaf1": {}}}}}}}
{"n 3": {"lldp": {"interface": {"eth0": {"chassis": {"leaf1": {}}}}}}})";
    EXPECT_EQ(lldp_of_hosts(text), "SwitchName=leaf1 Nodes=n\n");
    EXPECT_THAT(said(LldpFrom::hosts, text),
                ElementsAre(HasSubstr("line 2: 1 name (\"n 3\") is no node's, and is left out")));
}

TEST(Lldp, of_hosts_and_of_switches_is_one_fabric) {
    std::string of_hosts;
    for (int node = 1; node <= 4; ++node)
        of_hosts += fmt::format(
            R"({{"node{}": {{"lldp": {{"interface": [{}, {}]}}}}}})", node,
            R"({"eth0": {"chassis": {"su)" + std::to_string((node + 1) / 2) + R"(-leaf1": {}}}})",
            R"({"eth1": {"chassis": {"su)" + std::to_string((node + 1) / 2) + R"(-leaf2": {}}}})");
    std::string of_switches;
    for (int unit = 1; unit <= 2; ++unit)
        for (int leaf = 1; leaf <= 2; ++leaf)
            of_switches += fmt::format(
                R"({{"su{0}-leaf{1}": {{"lldp": {{"interface": [{{"swp1": {2}}}, {{"swp2": {3}}}, {{"swp9": {{"chassis": {{"spine1": {{}}}}}}}}]}}}}}}
                   {{"spine1": {{"lldp": {{"interface": [{{"swp{0}{1}": {{"chassis": {{"su{0}-leaf{1}": {{}}}}}}}}]}}}}}})",
                unit, leaf,
                fmt::format(
                    R"({{"chassis": {{"node{}": {{}}}}, "port": {{"id": {{"type": "mac", "value": "aa"}}, "descr": "eth{}"}}}})",
                    unit * 2 - 1, leaf - 1),
                fmt::format(
                    R"({{"chassis": {{"node{}": {{}}}}, "port": {{"id": {{"type": "mac", "value": "bb"}}, "descr": "eth{}"}}}})",
                    unit * 2, leaf - 1));
    for (bool switches_first : {true, false}) {
        std::vector<Fabric> sources;
        for (bool of_first : {true, false})
            sources.push_back(of_first == switches_first ? *read_lldp(Text(of_switches), LldpFrom::switches)
                                                         : *read_lldp(Text(of_hosts), LldpFrom::hosts));
        const auto fabric = joined(std::move(sources));
        const auto hosts = hosts_of(fabric, {});
        const auto map = rail_map_of(fabric, hosts);
        EXPECT_THAT(hosts.findings, IsEmpty());
        EXPECT_THAT(hosts.ports, SizeIs(8)) << "a cable that both tell is one";
        EXPECT_EQ(topology_conf(switch_tree_of(hosts, map, {})), "SwitchName=su1 Nodes=node[1-2]\n"
                                                                 "SwitchName=su2 Nodes=node[3-4]\n"
                                                                 "SwitchName=fabric1 Switches=su[1-2]\n");
        for (const auto& each : cabling_findings(fabric, hosts, map)) EXPECT_EQ(sentence(each.finding), "");
    }
}

TEST(Lldp, takes_a_switch_that_is_spelled_in_two_ways_for_one) {
    const auto hosts = [](const char* first, const char* second) {
        return fmt::format(
            R"({{"n1": {{"lldp": {{"interface": {{"eth0": {{"chassis": {{"{}": {{}}}}}}}}}}}}, "n2": {{"lldp": {{"interface": {{"eth0": {{"chassis": {{"{}": {{}}}}}}}}}}}}}})",
            first, second);
    };
    for (const auto& text :
         {hosts("Leaf1", "leaf1.site.org"), hosts("leaf1", "LEAF1"), hosts("LEAF1.site.org", "leaf1")})
        EXPECT_THAT(lldp_of_hosts(text), testing::MatchesRegex("SwitchName=leaf1 Nodes=n.1-2.\n"));
    // The spine calls itself otherwise than its leaves call it.
    auto text = leaves({{"su1", 1}, {"su2", 3}}, false, "mac");
    const auto whole = lldp_of_switches(text);
    std::string spine = R"({"Spine1": {"lldp": {"interface": [)";
    for (const char* leaf : {"SU1-leaf1.site.org", "su1-leaf2", "su2-Leaf1", "su2-leaf2"})
        spine += neighbour(fmt::format("swp{}", leaf[2]), leaf, true, "ifname") +
                 (leaf == std::string("su2-leaf2") ? "" : ", ");
    EXPECT_EQ(lldp_of_switches(text + spine + "]}}}"), whole);
}

TEST(Lldp, beside_a_fabric_of_adapters_renames_no_group_and_is_asked_for_no_uplinks) {
    std::string management;
    for (int node = 1; node <= 8; ++node)
        management += fmt::format(
            R"({{"node{}": {{"lldp": {{"interface": {{"eno1": {{"chassis": {{"tor{}": {{}}}}}}}}}}}}}})",
            node, (node + 3) / 4);
    const auto text = *synthesize({.nodes = 8, .rails = 2, .unit = 4, .spines = 4});
    std::vector<Fabric> sources;
    sources.push_back(*read_ibnetdiscover(Text(text)));
    sources.push_back(*read_lldp(Text(management), LldpFrom::hosts));
    const auto fabric = joined(std::move(sources));
    const auto hosts = hosts_of(fabric, {});
    const auto map = rail_map_of(fabric, hosts);
    EXPECT_EQ(topology_conf(switch_tree_of(hosts, map, {})), "SwitchName=su1 Nodes=node[1-4]\n"
                                                             "SwitchName=su2 Nodes=node[5-8]\n"
                                                             "SwitchName=fabric1 Switches=su[1-2]\n");
    for (const auto& each : cabling_findings(fabric, hosts, map)) EXPECT_EQ(sentence(each.finding), "");
}

namespace {

std::string neighbour_of(const std::string& port, const std::string& name, const std::string& chassis,
                         const char* kind) {
    return fmt::format(
        R"({{"{0}": {{"chassis": {{"{1}": {{"id": {{"type": "mac", "value": "{2}"}}}}}}, "port": {{"id": {{"type": "{3}", "value": "Ethernet0"}}}}}}}})",
        port, name, chassis, kind);
}
std::string host_that_sees(const std::string& host, const std::string& neighbours) {
    return fmt::format(R"({{"{}": {{"lldp": {{"interface": [{}]}}}}}})", host, neighbours);
}

} // namespace

TEST(Lldp, tells_switches_of_one_name_apart_by_their_addresses) {
    std::string text;
    for (int node = 1; node <= 4; ++node)
        text += host_that_sees(
            fmt::format("node{}", node),
            neighbour_of("eth0", "sonic", node < 3 ? "0c:00:00:00:00:01" : "0c:00:00:00:00:03", "ifname") +
                "," +
                neighbour_of("eth1", "sonic", node < 3 ? "0c:00:00:00:00:02" : "0c:00:00:00:00:04",
                             "ifname"));
    EXPECT_THAT(lldp_of_hosts(text), AllOf(HasSubstr("Nodes=node[1-2]"), HasSubstr("Nodes=node[3-4]")));
    EXPECT_THAT(said(LldpFrom::hosts, text),
                ElementsAre("sonic is what several switches are called, which are told apart by their "
                            "addresses; give each switch a name of its own"));
}

TEST(Lldp, makes_no_leaf_of_a_host_that_another_host_sees) {
    std::string text;
    for (int node = 1; node <= 3; ++node)
        text += host_that_sees(fmt::format("node{}", node),
                               neighbour_of("eth0", "leaf1", "0c:00:00:00:00:01", "ifname") + "," +
                                   neighbour_of("br0", fmt::format("node{}", node % 3 + 1),
                                                fmt::format("0a:00:00:00:00:0{}", node), "mac"));
    EXPECT_THAT(lldp_of_hosts(text), HasSubstr("SwitchName=leaf1 Nodes=node[1-3]"));
    const auto fabric = read_lldp(Text(text), LldpFrom::hosts);
    ASSERT_TRUE(fabric);
    EXPECT_EQ(std::count_if(fabric->devices.begin(), fabric->devices.end(),
                            [](const Device& device) { return device.kind == DeviceKind::network_switch; }),
              1);
    EXPECT_THAT(
        said(LldpFrom::hosts, text),
        ElementsAre(HasSubstr("3 neighbours (node1, node2, node3) are hosts that answered themselves")));
}
