#include "topology/rail_map.hpp"
#include "topology/readers.hpp"

#include <gmock/gmock.h>

using namespace railhead::topology;
using railhead::sentence;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

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

TEST(InventoryFile, may_come_from_a_spreadsheet) {
    auto fabric = read_inventory_file(Text("\xEF\xBB\xBFnode,switch\r\nnode1,leaf1\r\nnode2,leaf1\r\n"));
    ASSERT_TRUE(fabric) << sentence(fabric.error());
    EXPECT_THAT(fabric->links, SizeIs(2));
}

TEST(InventoryFile, names_the_line_that_it_cannot_read) {
    auto refusal = [](const char* text) {
        auto read = read_inventory_file(Text(text));
        return read ? "read" : sentence(read.error());
    };
    EXPECT_THAT(refusal(""), HasSubstr("has no line"));
    EXPECT_THAT(refusal("node,leaf\n"),
                HasSubstr("line 1: \"node,leaf\" cannot be read (expected columns named"));
    EXPECT_THAT(refusal("node,rail\n"), HasSubstr("node and switch at least"));
    EXPECT_THAT(refusal("node,switch\nnode1\n"),
                HasSubstr("line 2: \"node1\" cannot be read (expected a node and a switch)"));
    EXPECT_THAT(refusal("node,switch,port\nn,s,x\n"), HasSubstr("(expected a port that is a number)"));
    EXPECT_THAT(refusal("node,switch,speed\nn,s,fast\n"), HasSubstr("(expected a speed in Gbit/s)"));
}

TEST(InventoryFile, may_be_toml) {
    constexpr auto* text =
        "# by hand\n"
        "[[cable]]\nnode = \"node1\"\nrail = \"eth0\"\nswitch = \"leaf1\"\nport = 7\nspeed = 400\n"
        "[[cable]]\nnode = \"node2\"\nrail = \"eth0\"\nswitch = \"leaf1\"\n";
    EXPECT_TRUE(is_toml_inventory(text));
    EXPECT_FALSE(is_toml_inventory("# a\nnode,switch\n"));
    EXPECT_FALSE(is_toml_inventory(""));
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
    EXPECT_THAT(refusal("[[cable]]\nport = 0\n"), HasSubstr("line 2: port is no port"));
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
