#include "topology/rail_map.hpp"
#include "topology/readers.hpp"
#include "topology/switch_tree.hpp"

#include <gmock/gmock.h>

using namespace railhead::topology;
using railhead::sentence;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

std::string refusal(const char* text) {
    auto read = read_inventory_file(Text(text));
    return read ? "read" : sentence(read.error());
}

std::vector<std::string> said(const char* text) {
    auto read = read_inventory_file(Text(text));
    if (!read) return {sentence(read.error())};
    std::vector<std::string> found;
    for (const auto& finding : read->findings) found.push_back(sentence(finding));
    return found;
}

std::string tree_of(const char* text) {
    auto fabric = read_inventory_file(Text(text));
    if (!fabric) return sentence(fabric.error());
    auto hosts = hosts_of(*fabric, {});
    return topology_conf(switch_tree_of(hosts, rail_map_of(*fabric, hosts), {}));
}

} // namespace

TEST(InventoryFile, is_a_line_for_each_cable) {
    auto fabric = read_inventory_file(Text("# from the cabling plan\n"
                                           "switch,node,rail,speed\n"
                                           "leaf1, node1, eth0, 400\n"
                                           "leaf2,node1,eth1,400\n"
                                           "leaf1,node2,eth0,400\n"
                                           "\"leaf2\",node2,eth1,100\n"));
    ASSERT_TRUE(fabric) << sentence(fabric.error());
    EXPECT_THAT(fabric->links, SizeIs(4));
    auto hosts = hosts_of(*fabric, {});
    auto map = rail_map_of(*fabric, hosts);
    ASSERT_THAT(map.groups, SizeIs(1));
    EXPECT_THAT(map.groups[0].hosts, SizeIs(2));
    ASSERT_THAT(map.groups[0].rails, SizeIs(2));
    EXPECT_EQ(map.groups[0].rails[1].device, "eth1");
}

TEST(InventoryFile, counts_a_cable_that_is_told_twice_once) {
    constexpr auto* once =
        "the cable is told on line 2 already, and counts once; take it out, or tell the other "
        "cable that was meant";
    EXPECT_THAT(said("node,rail,switch\nn1,eth0,leaf1\nn2,eth0,leaf1\nn1,eth0,leaf1 \n"),
                ElementsAre(std::string("line 4: ") + once));
    EXPECT_THAT(said("node,switch,port\nn1,leaf1,1\nn1,leaf1,1\n"),
                ElementsAre(std::string("line 3: ") + once));
    EXPECT_THAT(said("node,switch\nn1,leaf1\nn1,leaf1\n"), IsEmpty()) << "two cables";
    auto toml = read_inventory_toml(Text("[[cable]]\nnode = \"n1\"\nswitch = \"l\"\nport = 1\n"
                                         "[[cable]]\nnode = \"n1\"\nswitch = \"l\"\nport = 1\n"));
    ASSERT_TRUE(toml) << sentence(toml.error());
    EXPECT_THAT(toml->links, SizeIs(1));
    ASSERT_THAT(toml->findings, SizeIs(1));
    EXPECT_THAT(sentence(toml->findings[0]), HasSubstr("is told on line 1 already"));
}

TEST(InventoryFile, may_come_from_a_spreadsheet) {
    auto fabric = read_inventory_file(Text("\xEF\xBB\xBFnode,switch\r\nnode1,leaf1\r\nnode2,leaf1\r\n"));
    ASSERT_TRUE(fabric) << sentence(fabric.error());
    EXPECT_THAT(fabric->links, SizeIs(2));
}

TEST(InventoryFile, names_the_line_that_it_cannot_read) {
    EXPECT_THAT(refusal(""), HasSubstr("has no line"));
    EXPECT_THAT(refusal("node,leaf\n"),
                HasSubstr("line 1: \"node,leaf\" cannot be read (expected columns named"));
    EXPECT_THAT(refusal("node,rail\n"), HasSubstr("node and switch at least"));
    EXPECT_THAT(refusal("node,switch\nnode1\n"),
                HasSubstr("line 2: \"node1\" cannot be read (expected a node and a switch)"));
    EXPECT_THAT(refusal("node,switch,port\nn,s,x\n"), HasSubstr("(expected a port that is a number)"));
    EXPECT_THAT(refusal("node,switch,speed\nn,s,fast\n"), HasSubstr("(expected a speed in Gbit/s)"));
}

TEST(InventoryFile, takes_no_row_that_does_not_fit_its_columns) {
    EXPECT_THAT(refusal("node,switch\nn,s,x\n"),
                HasSubstr("line 2: \"n,s,x\" cannot be read (expected 2 fields)"));
    EXPECT_EQ(refusal("node,switch\nn,s,,\n"), "read") << "spreadsheets write empty fields";
    EXPECT_THAT(refusal("node,switch,node\nn,s,m\n"), HasSubstr("line 1: "));
    EXPECT_THAT(refusal("node,switch,node\nn,s,m\n"), HasSubstr("(expected one column node)"));
}

TEST(InventoryFile, may_have_commas_in_quotes) {
    EXPECT_THAT(tree_of("node,switch,rail\nn1, \"leaf, A\",0\nn2,\"leaf, A\",0\n"),
                testing::StartsWith("SwitchName=leaf-A Nodes=n[1-2]\n"));
    EXPECT_THAT(refusal("node,switch\nn1,\"leaf, A\n"), HasSubstr("(expected 2 fields)"));
}

TEST(InventoryFile, takes_no_node_whose_name_is_none) {
    EXPECT_EQ(refusal("node,switch\nn 3,s\n"), "line 2: \"n 3,s\" cannot be read (expected a node's name, of "
                                               "letters, digits, -, _ and .)");
    EXPECT_THAT(refusal("node,switch\n\nlocalhost,s\n"), HasSubstr("line 3: "));
}

TEST(InventoryFile, may_call_rails_as_it_likes) {
    auto fabric = read_inventory_file(Text("node,rail,switch\nn1,port 1,s1\nn1,port 2,s2\nn1,NVIDIA 3,s3\n"));
    ASSERT_TRUE(fabric);
    auto hosts = hosts_of(*fabric, {});
    ASSERT_THAT(hosts.ports, SizeIs(3));
    EXPECT_EQ(hosts.ports[2].device, "port_2");
    EXPECT_THAT(hosts.findings, IsEmpty());
}

TEST(InventoryFile, may_count_ports_from_0_and_name_its_columns_in_capitals) {
    auto read = read_inventory_file(Text("Node, Rail, Switch, Port\nn1, 0, leaf1, 0\nn2, 0, leaf1, 1\n"));
    ASSERT_TRUE(read) << sentence(read.error());
    ASSERT_THAT(read->links, testing::SizeIs(2));
    EXPECT_THAT(read->findings, testing::IsEmpty());
    auto same = read_inventory_toml(Text("[[cable]]\nnode = \"n1\"\nswitch = \"leaf1\"\nport = 0\n"));
    ASSERT_TRUE(same) << sentence(same.error());
    auto twice = read_inventory_file(Text("node,switch,port\nn1,leaf1,0\nn2,leaf1,0\n"));
    ASSERT_THAT(twice->findings, testing::SizeIs(1));
    EXPECT_THAT(sentence(twice->findings[0]), HasSubstr("port 0 of leaf1 has a cable to n2"));
}

TEST(InventoryFile, has_one_cable_on_a_port) {
    EXPECT_THAT(said("node,switch,port\nn1,s,1\nn2,s,2\nn3,s,1\n"),
                ElementsAre("line 4: port 1 of s has a cable to n3 port1 here and one to n1 port1 on line 2 "
                            "(expected one cable a port); look which line is wrong; both cables count"));
    EXPECT_THAT(said("node,switch,port\nn1,s,1\nn2,s,1\nn3,t,2\nn4,t,2\n"),
                ElementsAre(HasSubstr("on line 2, the first of 2 such cables")));
    EXPECT_THAT(said("node,switch,port\nn1,s,1\nn2,t,1\nn3,s,\n"), IsEmpty());
}

TEST(InventoryFile, has_no_node_that_is_a_switch) {
    EXPECT_THAT(
        said("node,rail,switch\nn1,eth0,leaf1\nleaf1,,spine\n"),
        ElementsAre("line 3: leaf1 is a node and a switch (expected one of them); leave out the cable on "
                    "which a switch stands as a node, or name one of the two otherwise"));
}

TEST(InventoryFile, means_the_same_in_any_order) {
    const auto* one = "node,switch\nn1,[#]\nn2,[#]\nn3,leaf 1\nn4,leaf 1\nn5,leaf#1\nn6,[]\n";
    const auto* other = "node,switch\nn6,[]\nn5,leaf#1\nn4,leaf 1\nn3,leaf 1\nn2,[#]\nn1,[#]\n";
    EXPECT_EQ(tree_of(one), tree_of(other));
    EXPECT_THAT(tree_of(one), HasSubstr("SwitchName=leaf-1 Nodes=n[3-4]\nSwitchName=leaf-1-2 Nodes=n5\n"))
        << "names that are alike when they are cleaned are told apart";
    EXPECT_THAT(tree_of(one), testing::Not(HasSubstr("S-000000000000000"))) << "nor is it called by its row";
}

TEST(InventoryFile, may_be_toml) {
    constexpr auto* text =
        "# by hand\n"
        "[[cable]]\nnode = \"node1\"\nrail = \"eth0\"\nswitch = \"leaf1\"\nport = 7\nspeed = 400\n"
        "[[cable]]\nnode = \"node2\"\nrail = \"eth0\"\nswitch = \"leaf1\"\n";
    EXPECT_TRUE(is_toml_inventory(text));
    EXPECT_FALSE(is_toml_inventory("# a\nnode,switch\n"));
    EXPECT_FALSE(is_toml_inventory(""));
    EXPECT_TRUE(is_toml_inventory("title = \"a, b\"\n[[cable]]\n"));
    EXPECT_FALSE(is_toml_inventory("node,a=b\n"));
    constexpr auto* inline_text = "cable = [\n  {node = \"n1\", rail = 0, switch = \"s\"},\n"
                                  "  {node = \"n2\", rail = 0, switch = \"s\"}]\n";
    EXPECT_TRUE(is_toml_inventory(inline_text));
    auto in_one = read_inventory_toml(Text(inline_text));
    ASSERT_TRUE(in_one) << sentence(in_one.error());
    EXPECT_EQ(hosts_of(*in_one, {}).ports[1].device, "0") << "as CSV takes it";
    auto fabric = read_inventory_toml(Text(text));
    ASSERT_TRUE(fabric) << sentence(fabric.error());
    ASSERT_THAT(fabric->links, SizeIs(2));
    EXPECT_EQ(fabric->links[1].rate.gbps_x10(), 4000);
    EXPECT_EQ(fabric->links[1].a_port, 7);
    auto hosts = hosts_of(*fabric, {});
    auto map = rail_map_of(*fabric, hosts);
    ASSERT_THAT(map.groups, SizeIs(1));
    EXPECT_EQ(map.groups[0].rails[0].device, "eth0");
}

TEST(InventoryFile, as_toml_names_the_line_too) {
    auto refusal = [](const std::string& text) {
        auto read = read_inventory_toml(Text(text));
        return read ? "read" : sentence(read.error());
    };
    EXPECT_THAT(refusal("[[cable]]\nnode = \"n\"\nswitch =\n"),
                HasSubstr("line 3: the lines are not TOML: "));
    EXPECT_THAT(refusal("[[cable]]\nnode = \"n\"\n"),
                HasSubstr("line 1: the cable is not told (expected a node and a switch)"));
    EXPECT_THAT(refusal("[[cable]]\nnode = 1\n"),
                HasSubstr("line 2: node is no name (expected text in quotes)"));
    EXPECT_THAT(refusal("[[cable]]\nswitch = \"s\"\nnode = \"n 3\"\n"),
                HasSubstr("line 3: node \"n 3\" cannot be a node (expected a node's name, of letters"));
    EXPECT_THAT(refusal("[[cable]]\nport = -1\n"), HasSubstr("line 2: port is no port"));
    EXPECT_THAT(refusal("[[cable]]\nspeed = 0.5\n"), HasSubstr("line 2: speed is no speed"));
    EXPECT_THAT(refusal("[[cable]]\nleaf = \"s\"\n"),
                HasSubstr("line 2: leaf is not known here (expected node, switch, rail, port and speed)"));
    EXPECT_THAT(refusal("[cable]\nnode = \"n\"\n"), HasSubstr("line 1: cable is no list of cables"));
    EXPECT_THAT(refusal("[[cables]]\n"), HasSubstr("line 1: cables is no list of cables"));
    EXPECT_THAT(refusal(std::string((8 << 20) + 1, '#')), HasSubstr("is larger than 8 MiB"));
}

TEST(PortsReport, of_ibnetdiscover_is_read_like_its_topology) {
    constexpr auto* text =
        "CA     5  1 0x98039b0300000011 4x HDR - SW    12  1 0x0c42a10300000010 ( 'node1 mlx5_0' - "
        "'MF0;leaf1:MQM8700/U1' )\n"
        "SW    12  1 0x0c42a10300000010 4x HDR - CA     5  1 0x98039b0300000011 ( 'MF0;leaf1:MQM8700/U1' - "
        "'node1 mlx5_0' )\n"
        "SW    12  2 0x0c42a10300000010 4x HDR - CA     6  1 0x98039b0300000021 ( 'MF0;leaf1:MQM8700/U1' - "
        "'node2 mlx5_0' )\n"
        "SW    12  3 0x0c42a10300000010 4x SDR                                    'MF0;leaf1:MQM8700/U1'\n";
    EXPECT_TRUE(is_ports_report(text));
    EXPECT_FALSE(is_ports_report("#\n# Topology file\nvendid=0x2c9\n"));
    auto fabric = read_ibnetdiscover_ports(Text(text));
    ASSERT_TRUE(fabric) << sentence(fabric.error());
    EXPECT_THAT(fabric->devices, SizeIs(3));
    ASSERT_THAT(fabric->links, SizeIs(2));
    EXPECT_EQ(text_of(fabric->links[0].rate), "4xHDR");
    auto hosts = hosts_of(*fabric, {});
    ASSERT_THAT(hosts.hosts, SizeIs(2));
    EXPECT_EQ(hosts.hosts[1].name, "node2");
    ASSERT_THAT(fabric->findings, SizeIs(1)) << "node2 has no line of its own";
    EXPECT_THAT(
        sentence(fabric->findings[0]),
        testing::StartsWith("line 4: a device (\"node2 mlx5_0\") is named in the text and not described"));
}

TEST(PortsReport, names_the_line_that_it_cannot_read) {
    for (auto* text : {"SW 1\n", "SW 12 x 0x1 4x HDR\n", "SW 12 1 0x1 4x HDR - CA 1 1\n",
                       "SW 12 1 0x1 4x HDR - CA 1 1 0x2 ( 'a'\n", "??\n"}) {
        auto read = read_ibnetdiscover_ports(Text(text));
        ASSERT_FALSE(read) << text;
        EXPECT_THAT(sentence(read.error()), testing::StartsWith("line 1: ")) << text;
    }
}

TEST(InventoryFile, is_no_larger_than_any_cluster) {
    const auto text = "node,switch\n" + std::string(1'999'999, '\n') + "n1,l1\n";
    auto read = read_inventory_file(Text(text));
    ASSERT_FALSE(read);
    EXPECT_EQ(sentence(read.error()),
              "line 2000001: \"n1,l1\" cannot be read (expected at most 2000000 lines)");
}
