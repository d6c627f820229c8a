#include "topology/hosts.hpp"

#include "topology/map_file.hpp"
#include "topology/readers.hpp"

#include <gmock/gmock.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

using namespace railhead::topology;
using railhead::sentence;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct Adapter {
    const char* description;
    std::uint64_t guid, system_guid;
};

/// One leaf with these adapters.
Fabric with(const std::vector<Adapter>& adapters) {
    FabricBuilder build;
    auto leaf = build.device(DeviceKind::network_switch, 1);
    std::uint16_t port = 0;
    for (const auto& adapter : adapters) {
        auto device = build.device(DeviceKind::adapter, adapter.guid);
        build.at(device).description = build.keep(adapter.description);
        build.at(device).system_guid = adapter.system_guid;
        build.link(leaf, ++port, device, 1, {4, 500}, 1);
    }
    return std::move(build).finish();
}

std::vector<std::string> names(const Hosts& hosts) {
    std::vector<std::string> found;
    for (const auto& host : hosts.hosts) {
        found.push_back(std::string(host.name) + ":");
        for (auto i = host.first; i < host.first + host.count; ++i)
            found.back() += " " + std::string(hosts.ports[i].device);
    }
    return found;
}

std::vector<std::string> said(const Hosts& hosts) {
    std::vector<std::string> found;
    for (const auto& finding : hosts.findings) found.push_back(sentence(finding));
    return found;
}

} // namespace

TEST(Hosts, are_named_by_their_adapters_in_the_order_of_people) {
    auto fabric = with({{"node10 mlx5_10", 16, 0},
                        {"node10 mlx5_2", 17, 0},
                        {"node9.site.org mlx5_0", 18, 0},
                        {"login", 19, 0}});
    auto hosts = hosts_of(fabric, {});
    EXPECT_THAT(names(hosts), ElementsAre("login: ", "node9: mlx5_0", "node10: mlx5_2 mlx5_10"));
    EXPECT_THAT(said(hosts), IsEmpty());
}

TEST(Hosts, count_their_devices_alike_in_both_ways_of_naming_them) {
    auto fabric = with(
        {{"node1 HCA-1", 16, 0}, {"node1 HCA-6", 17, 0}, {"node2 mlx5_0", 18, 0}, {"node2 mlx5_5", 19, 0}});
    EXPECT_THAT(names(hosts_of(fabric, {})), ElementsAre("node1: mlx5_0 mlx5_5", "node2: mlx5_0 mlx5_5"));
}

TEST(Hosts, that_are_wanted_are_found_whatever_their_case_and_domain) {
    auto fabric =
        with({{"NODE1.site.org mlx5_0", 16, 0}, {"node2 mlx5_0", 17, 0}, {"storage1 mlx5_0", 18, 0}});
    auto hosts = hosts_of(fabric, {.adapters = {}, .nodes = {{"node1", "Node2", "node3"}}});
    EXPECT_THAT(names(hosts), ElementsAre("Node2: mlx5_0", "node1: mlx5_0", "storage1: mlx5_0"));
    EXPECT_TRUE(hosts.hosts[0].wanted && hosts.hosts[1].wanted);
    EXPECT_FALSE(hosts.hosts[2].wanted);
}

TEST(Hosts, give_their_name_to_adapters_on_the_same_board) {
    auto fabric = with({{"node1 mlx5_0", 16, 7},
                        {"MT4123 ConnectX6   Mellanox Technologies", 17, 7},
                        {"", 0x20, 8},
                        {"localhost mlx5_0", 0x21, 0}});
    auto hosts = hosts_of(fabric, {});
    EXPECT_THAT(names(hosts), ElementsAre("node1:  mlx5_0"));
    EXPECT_THAT(
        said(hosts),
        ElementsAre(
            "2 adapters (0x0000000000000020, 0x0000000000000021) have no host's name, so they are of no "
            "node here; name hosts in their node description, or give --map"));
}

TEST(Hosts, are_named_by_a_map_file_before_all) {
    Naming naming;
    ASSERT_TRUE(read_map_file("# the new rack\n0x10 node7 mlx5_3\n\n0x11 node8 # no device\n", naming));
    auto fabric = with({{"node1 mlx5_0", 0x10, 0}, {"", 0x11, 0}});
    EXPECT_THAT(names(hosts_of(fabric, naming)), ElementsAre("node7: mlx5_3", "node8: "));
}

TEST(MapFile, may_be_that_of_ibnetdiscover) {
    Naming naming;
    ASSERT_TRUE(read_map_file("0x10 \"node7 mlx5_3\" # ours\n0x0000000000000020 \"Rack 1 # leaf 2\"\n"
                              "H-0000000000000011 node8\n",
                              naming));
    EXPECT_EQ(naming.adapters[0x10], "node7 mlx5_3");
    EXPECT_EQ(naming.adapters[0x11], "node8 ");
    FabricBuilder build;
    const auto leaf = build.device(DeviceKind::network_switch, 0x20);
    build.link(leaf, 1, build.device(DeviceKind::adapter, 0x10), 1, rate_from("4xHDR"), 1);
    auto fabric = std::move(build).finish();
    name_switches(fabric, naming);
    EXPECT_EQ(fabric.devices[leaf].description, "Rack 1 # leaf 2");
    naming.adapters.erase(0x11);
    auto hosts = hosts_of(fabric, naming);
    ASSERT_THAT(hosts.hosts, testing::SizeIs(1));
    EXPECT_EQ(hosts.hosts[0].name, "node7");
    EXPECT_THAT(hosts.findings, testing::IsEmpty()) << "the line of a switch is of use";
    EXPECT_FALSE(read_map_file("0x10 \"\"\n", naming));
}

TEST(Hosts, are_called_by_a_map_file_as_slurm_calls_them) {
    Naming naming;
    ASSERT_TRUE(read_map_file("i-0abc node7\nocid1.instance.oc1.iad.x node8\na100 a100-1\n", naming));
    auto fabric = with({{"i-0abc", 16, 0}, {"ocid1.instance.oc1.iad.x", 17, 0}, {"a100 mlx5_0", 18, 0}});
    EXPECT_THAT(names(hosts_of(fabric, naming)), ElementsAre("a100-1: mlx5_0", "node7: ", "node8: "));
}

TEST(Hosts, are_called_by_a_map_file_whatever_their_case_and_domain) {
    Naming naming;
    ASSERT_TRUE(read_map_file("I-0ABC node7\nold2 node8\nold3.a.org node9\n", naming));
    auto fabric =
        with({{"i-0abc mlx5_0", 16, 0}, {"OLD2.site.org mlx5_0", 17, 0}, {"old3.b.org mlx5_0", 18, 0}});
    auto hosts = hosts_of(fabric, naming);
    EXPECT_THAT(names(hosts), ElementsAre("node7: mlx5_0", "node8: mlx5_0", "old3: mlx5_0"));
    EXPECT_THAT(said(hosts),
                ElementsAre("1 line of the map file (old3.a.org) names nothing in the fabric; look "
                            "for a slip, or leave them out"));
}

TEST(Hosts, refuse_a_map_file_with_the_line) {
    for (auto* text : {"node1 0x10\n", "0x10\n", "0x10 a b c\n", "0x10 no/name\n", "node1 node2 mlx5_0\n",
                       "node1 a # and b\nNode1 b\n", "0x10 a 0\n0x10 a 1\n"}) {
        Naming naming;
        auto read = read_map_file(std::string("\n") + text, naming);
        ASSERT_FALSE(read) << text;
        const auto lines = std::count(text, text + std::strlen(text), '\n');
        EXPECT_THAT(sentence(read.error()), testing::StartsWith(fmt::format("line {}: ", lines + 1))) << text;
    }
}

TEST(Hosts, are_no_aggregation_nodes) {
    auto fabric = with({{"Mellanox Technologies Aggregation Node", 16, 0}, {"node1 mlx5_0", 17, 0}});
    auto hosts = hosts_of(fabric, {});
    EXPECT_THAT(names(hosts), ElementsAre("node1: mlx5_0"));
    EXPECT_THAT(said(hosts), IsEmpty());
}

TEST(Hosts, with_one_name_twice_are_a_finding) {
    auto hosts =
        hosts_of(with({{"node1 mlx5_0", 16, 0}, {"node1 mlx5_0", 17, 0}, {"node1 mlx5_1", 18, 0}}), {});
    EXPECT_THAT(
        said(hosts),
        ElementsAre(
            "node1: adapters 0x0000000000000010 and 0x0000000000000011 both call themselves mlx5_0 of "
            "node1; give each host its own name, or name these two with --map"));
}

TEST(Hosts, with_more_cables_than_a_machine_has_are_on_no_leaf) {
    std::vector<std::string> descriptions;
    for (int i = 0; i < 1025; ++i) descriptions.push_back(fmt::format("ubuntu mlx5_{}", i));
    std::vector<Adapter> adapters{{"node1 mlx5_0", 1, 0}};
    for (const auto& text : descriptions) adapters.push_back({text.c_str(), 16 + adapters.size(), 0});
    const auto fabric = with(adapters); // its names are the hosts'
    const auto hosts = hosts_of(fabric, {});
    EXPECT_THAT(names(hosts), ElementsAre("node1: mlx5_0", "ubuntu:"));
    EXPECT_THAT(
        said(hosts),
        ElementsAre("ubuntu: has 1025 cables to switches, as many machines with one name would have, and is "
                    "on no leaf here (expected at most 1024); give each host its own name, or name its "
                    "adapters with --map"));
}

TEST(Hosts, that_differ_in_case_only_are_one) {
    auto fabric = with({{"node2 mlx5_0", 16, 0},
                        {"node1 mlx5_0", 17, 7},
                        {"Node1.site.org mlx5_1", 18, 7},
                        {"a mlx5_0", 19, 0}});
    auto hosts = hosts_of(fabric, {});
    EXPECT_THAT(names(hosts), ElementsAre("a: mlx5_0", "node1: mlx5_0 mlx5_1", "node2: mlx5_0"));
    EXPECT_EQ(hosts.hosts[1].adapters, 2U);
    EXPECT_THAT(said(hosts),
                ElementsAre("1 host (node1 and Node1) is spelled in several ways that differ in case "
                            "only, and is one node; spell them in one way, or give --nodes as "
                            "Slurm spells them"));
    EXPECT_THAT(said(hosts_of(fabric, {.adapters = {}, .nodes = {{"node1"}}})), IsEmpty());
}

TEST(Hosts, are_spelled_as_most_of_their_adapters_spell_them) {
    auto fabric = with({{"NODE1 mlx5_0", 16, 0}, {"node1 mlx5_1", 17, 0}, {"NODE1 mlx5_2", 18, 0}});
    EXPECT_THAT(names(hosts_of(fabric, {})), ElementsAre("NODE1: mlx5_0 mlx5_1 mlx5_2"));
}

TEST(Hosts, are_not_called_by_the_names_of_their_adapters) {
    auto hosts = hosts_of(with({{"mlx5_0 node1", 16, 0}, {"mlx5_1", 17, 0}, {"HCA-1 node2", 18, 0}}), {});
    EXPECT_THAT(names(hosts), IsEmpty());
    EXPECT_THAT(said(hosts), ElementsAre(testing::StartsWith("3 adapters (")));
    EXPECT_THAT(names(hosts_of(with({{"mlx5_a mlx5_0", 16, 0}}), {})), ElementsAre("mlx5_a: mlx5_0"));
}

TEST(Hosts, called_by_their_addresses_are_told_apart_and_said) {
    auto fabric = with({{"10.0.0.1 mlx5_0", 16, 0}, {"10.0.0.2 mlx5_0", 17, 0}});
    auto hosts = hosts_of(fabric, {});
    EXPECT_THAT(names(hosts), ElementsAre("10.0.0.1: mlx5_0", "10.0.0.2: mlx5_0"));
    EXPECT_THAT(
        said(hosts),
        ElementsAre("2 hosts (10.0.0.1, 10.0.0.2) are called by their IP address (expected names that "
                    "Slurm's nodes have); name hosts in their node description, or give --map"));
    fabric = with({{"10.site.org mlx5_0", 16, 0}});
    EXPECT_THAT(names(hosts_of(fabric, {})), ElementsAre("10: mlx5_0"));
}

TEST(Hosts, that_are_all_called_localhost_are_said_to_be) {
    auto hosts = hosts_of(with({{"localhost mlx5_0", 16, 0}, {"localhost.localdomain mlx5_0", 17, 0}}), {});
    EXPECT_THAT(names(hosts), IsEmpty());
    EXPECT_THAT(
        said(hosts),
        ElementsAre("2 adapters (0x0000000000000010, 0x0000000000000011) call their hosts localhost, so "
                    "they are of no node here; give the hosts their names and have rdma-ndd write "
                    "them, or give --map"));
}

TEST(Hosts, are_known_where_a_dash_stands_before_the_device) {
    EXPECT_EQ(adapter_name_from("node001-mlx5_0").host, "node001");
    EXPECT_EQ(adapter_name_from("node001-mlx5_0").device, "mlx5_0");
    EXPECT_EQ(adapter_name_from("gpu-a-7-HCA-2").host, "gpu-a-7");
    EXPECT_EQ(adapter_name_from("gpu-a-7-HCA-2").device, "mlx5_1");
    EXPECT_EQ(adapter_name_from("gpu-a-7").host, "gpu-a-7");
}

TEST(Hosts, that_differ_by_their_domain_only_are_the_nodes_that_are_listed_so) {
    FabricBuilder build;
    const auto leaf = build.device(DeviceKind::network_switch, 1);
    for (std::uint16_t i = 1; i <= 2; ++i) {
        const auto adapter = build.device(DeviceKind::adapter, 0x10U + i);
        build.at(adapter).description = i == 1 ? "node1.a mlx5_0" : "node1.b mlx5_0";
        build.link(leaf, i, adapter, 1, {}, i);
    }
    const auto fabric = std::move(build).finish();
    Naming naming;
    naming.nodes = {"node1.a", "node1.b"};
    const auto hosts = hosts_of(fabric, naming);
    ASSERT_THAT(hosts.hosts, testing::SizeIs(2));
    EXPECT_EQ(hosts.hosts[0].name, "node1.a");
    EXPECT_EQ(hosts.hosts[1].name, "node1.b");
    EXPECT_THAT(hosts.findings, testing::IsEmpty());
}
