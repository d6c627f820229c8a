// Sources without GUIDs: a topology file, clouds, NVLink.
#include "topology/blocks.hpp"
#include "topology/map_file.hpp"
#include "topology/readers.hpp"
#include "topology/switch_tree.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <functional>

using namespace railhead::topology;
using railhead::sentence;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

using Reader = std::function<railhead::Result<Fabric>(Text)>;

std::string tree_of(const Reader& read, std::string_view text, const Naming& naming = {}) {
    auto fabric = read(Text(text));
    if (!fabric) return sentence(fabric.error());
    auto hosts = hosts_of(*fabric, naming);
    return topology_conf(switch_tree_of(hosts, rail_map_of(*fabric, hosts), {}));
}

} // namespace

TEST(TopologyFile, is_the_fabric_that_it_claims) {
    constexpr auto* text = "SwitchName=su1 Nodes=node[1-4]\n"
                           "SwitchName=su2 Nodes=node[5-8]\n"
                           "SwitchName=su3 Nodes=node[9-12]\n"
                           "SwitchName=su4 Nodes=node[13-16]\n"
                           "SwitchName=pod1 Switches=su[1-2]\n"
                           "SwitchName=pod2 Switches=su[3-4]\n"
                           "SwitchName=top Switches=pod[1-2]\n";
    EXPECT_EQ(tree_of(read_topology_file, text), "SwitchName=su1 Nodes=node[1-4]\n"
                                                 "SwitchName=su2 Nodes=node[5-8]\n"
                                                 "SwitchName=su3 Nodes=node[9-12]\n"
                                                 "SwitchName=su4 Nodes=node[13-16]\n"
                                                 "SwitchName=pod1 Switches=su[1-2]\n"
                                                 "SwitchName=pod2 Switches=su[3-4]\n"
                                                 "SwitchName=top Switches=pod[1-2]\n");
    EXPECT_THAT(tree_of(read_topology_file, "# nothing\n"), HasSubstr("has no line"));
    EXPECT_THAT(tree_of(read_topology_file, "SwitchName=a Notes=b\n"), HasSubstr("line 1: "));
}

TEST(TopologyFile, says_where_it_contradicts_itself) {
    auto fabric = read_topology_file(Text("SwitchName=l1 Nodes=n[1-4]\n"
                                          "SwitchName=l2 Nodes=n[4-8]\n"
                                          "SwitchName=l3 Nodes=n9 Switches=l1\n"
                                          "SwitchName=l2 Nodes=n10\n"
                                          "SwitchName=top Switches=l[1-3]\n"));
    ASSERT_TRUE(fabric);
    std::vector<std::string> said;
    for (const auto& finding : fabric->findings) {
        said.push_back(sentence(finding));
        EXPECT_EQ(finding.level, railhead::Level::warn);
    }
    EXPECT_THAT(
        said, testing::IsSupersetOf(
                  {"line 2: n4 is on l1 as well, and Slurm takes the last (expected one leaf for each node)",
                   "line 3: l3 has Nodes and Switches (expected one of them); move the nodes to a leaf of "
                   "their own",
                   "line 4: l2 is defined on line 2 as well"}));
}

TEST(Cloud, of_amazon_is_a_tree_of_network_nodes) {
    constexpr auto* text = R"({"Instances": [
        {"InstanceId": "i-01", "InstanceType": "p5.48xlarge", "NetworkNodes": ["nn-a", "nn-b", "nn-c"], "ZoneId": "use1-az1"},
        {"InstanceId": "i-02", "InstanceType": "p5.48xlarge", "NetworkNodes": ["nn-a", "nn-b", "nn-c"], "ZoneId": "use1-az1"},
        {"InstanceId": "i-03", "InstanceType": "p5.48xlarge", "NetworkNodes": ["nn-a", "nn-b", "nn-d"], "ZoneId": "use1-az1"},
        {"InstanceId": "i-04", "InstanceType": "p5.48xlarge", "NetworkNodes": ["nn-a", "nn-e", "nn-f"], "ZoneId": "use1-az1"},
        {"InstanceId": "i-05", "InstanceType": "p5.48xlarge"}], "NextToken": null})";
    Naming naming;
    ASSERT_TRUE(read_map_file("i-01 node1\ni-02 node2\ni-03 node3\ni-04 node4\n", naming));
    EXPECT_EQ(tree_of(read_cloud_topology, text, naming), "SwitchName=nn-c Nodes=node[1-2]\n"
                                                          "SwitchName=nn-d Nodes=node3\n"
                                                          "SwitchName=nn-f Nodes=node4\n"
                                                          "SwitchName=nn-b Switches=nn-c,nn-d\n"
                                                          "SwitchName=nn-a Switches=nn-b,nn-f\n");
    auto fabric = read_cloud_topology(Text(text));
    ASSERT_THAT(fabric->findings, SizeIs(1));
    EXPECT_EQ(sentence(fabric->findings[0]), "1 of 5 instances have no place in the network yet, so they are "
                                             "in no group; ask again when they run");
}

TEST(Cloud, may_list_an_instance_twice) {
    auto listed = [](const char* again) {
        return read_cloud_topology(Text(fmt::format(R"([{{"InstanceId": "i-1", "NetworkNodes": ["a", "b"]}},
                                 {{"InstanceId": "i-1", "NetworkNodes": ["a", "{}"]}}])",
                                                    again)));
    };
    EXPECT_THAT(listed("b")->findings, IsEmpty());
    const auto moved = listed("c");
    ASSERT_THAT(moved->findings, SizeIs(1));
    EXPECT_EQ(sentence(moved->findings[0]), "1 instance (i-1) is listed at several places, and counts at the "
                                            "first; ask for the list again");
    EXPECT_THAT(moved->links, SizeIs(2));
}

TEST(Cloud, of_google_may_list_machines_without_a_place) {
    constexpr auto* text = R"([
        {"name": "vm-1", "resourceStatus": {"physicalHostTopology": {"cluster": "c1", "block": "b1", "subblock": "s1"}}},
        {"name": "vm-2", "resourceStatus": {"physicalHostTopology": {"cluster": "c1", "block": "b1", "subblock": "s2"}}},
        {"name": "login", "status": "TERMINATED"}])";
    EXPECT_THAT(tree_of(read_cloud_topology, text),
                HasSubstr("SwitchName=s1 Nodes=vm-1\nSwitchName=s2 Nodes=vm-2\n"));
    auto fabric = read_cloud_topology(Text(text));
    ASSERT_TRUE(fabric);
    ASSERT_THAT(fabric->findings, SizeIs(1));
    EXPECT_THAT(sentence(fabric->findings[0]), HasSubstr("1 of 3 instances have no place"));
    EXPECT_THAT(tree_of(read_cloud_topology, R"([{"name": "login"}])"),
                HasSubstr("names no instance with a place"));
}

TEST(Cloud, of_amazon_may_have_three_levels_and_four) {
    constexpr auto* text = R"({"Instances": [
        {"InstanceId": "i-a", "NetworkNodes": ["nn-t", "nn-m1", "nn-b1", "nn-d1"]},
        {"InstanceId": "i-b", "NetworkNodes": ["nn-t", "nn-m1", "nn-b2"]},
        {"InstanceId": "i-c", "NetworkNodes": ["nn-t", "nn-m2", "nn-b3"]}]})";
    EXPECT_EQ(tree_of(read_cloud_topology, text), "SwitchName=nn-d1 Nodes=i-a\n"
                                                  "SwitchName=nn-b2 Nodes=i-b\n"
                                                  "SwitchName=nn-b3 Nodes=i-c\n"
                                                  "SwitchName=nn-m1 Switches=nn-d1,nn-b2\n"
                                                  "SwitchName=nn-t Switches=nn-m1,nn-b3\n");
}

TEST(Cloud, keeps_what_ends_at_an_upper_unit_below_it) {
    constexpr auto* text = R"({"Instances": [
        {"InstanceId": "i-a", "NetworkNodes": ["nn-t", "nn-m", "nn-b1"]},
        {"InstanceId": "i-b", "NetworkNodes": ["nn-t", "nn-m", "nn-b2"]},
        {"InstanceId": "i-c", "NetworkNodes": ["nn-t"]},
        {"InstanceId": "i-d", "NetworkNodes": ["nn-t", "nn-m"]}]})";
    EXPECT_EQ(tree_of(read_cloud_topology, text), "SwitchName=nn-b1 Nodes=i-a\n"
                                                  "SwitchName=nn-b2 Nodes=i-b\n"
                                                  "SwitchName=nn-m-below Nodes=i-d\n"
                                                  "SwitchName=nn-t-below-below Nodes=i-c\n"
                                                  "SwitchName=nn-m Switches=nn-b[1-2],nn-m-below\n"
                                                  "SwitchName=nn-t Switches=nn-m,nn-t-below-below\n");
}

TEST(Cloud, of_google_is_cluster_block_and_subblock) {
    constexpr auto* text = R"([
        {"name": "a3-1", "selfLink": "x", "resourceStatus": {"physicalHostTopology": {"cluster": "c", "block": "b1", "subblock": "s1", "host": "h1"}}},
        {"name": "a3-2", "selfLink": "x", "resourceStatus": {"physicalHostTopology": {"cluster": "c", "block": "b1", "subblock": "s1", "host": "h2"}}},
        {"name": "a3-3", "selfLink": "x", "resourceStatus": {"physicalHostTopology": {"cluster": "c", "block": "b2", "subblock": "s1", "host": "h3"}}},
        {"name": "login", "selfLink": "x", "resourceStatus": {"upcomingMaintenance": {}}}])";
    EXPECT_EQ(tree_of(read_cloud_topology, text), "SwitchName=c-b1-s1 Nodes=a3-[1-2]\n"
                                                  "SwitchName=c-b2-s1 Nodes=a3-3\n"
                                                  "SwitchName=c Switches=c-b1-s1,c-b2-s1\n")
        << "a subblock's identifier holds in its block only";
}

TEST(Cloud, of_oracle_is_island_network_block_and_local_block_in_both_spellings) {
    constexpr auto* text = R"({"data": {"items": [
        {"instance-id": "ocid1.instance.oc1.x.a", "hpc-island-id": "ocid1.island.oc1..i", "network-block-id": "ocid1.nb.oc1..n", "local-block-id": "ocid1.lb.oc1..l1"},
        {"instanceId": "ocid1.instance.oc1.x.b", "hpcIslandId": "ocid1.island.oc1..i", "networkBlockId": "ocid1.nb.oc1..n", "localBlockId": "ocid1.lb.oc1..l2"}]}})";
    Naming naming;
    ASSERT_TRUE(read_map_file("ocid1.instance.oc1.x.a gpu-1\nocid1.instance.oc1.x.b gpu-2\n", naming));
    EXPECT_EQ(tree_of(read_cloud_topology, text, naming), "SwitchName=l1 Nodes=gpu-1\n"
                                                          "SwitchName=l2 Nodes=gpu-2\n"
                                                          "SwitchName=n Switches=l[1-2]\n");
}

TEST(Cloud, of_azure_is_the_placement_group_as_machines_and_scale_sets_tell_it) {
    constexpr auto* told =
        R"({"compute": {"name": "vmss_0", "osProfile": {"computerName": "gpu-1"}, "placementGroupId": "p1", "vmId": "a"}, "network": {}}
{"name": "vmss_1", "osProfile": {"computerName": "gpu-2"}, "placementGroupId": "p1"}{"name": "gpu-3", "placementGroupId": "p2"}{"name": "login", "placementGroupId": ""})";
    constexpr auto* view =
        R"([{"computerName": "gpu-1", "placementGroupId": "p1"}, {"computerName": "gpu-2", "placementGroupId": "p1"},
        {"computerName": "gpu-3", "placementGroupId": "p2"}, {"computerName": "off"}])";
    for (const auto* text : {told, view}) {
        EXPECT_EQ(tree_of(read_cloud_topology, text), "SwitchName=p1 Nodes=gpu-[1-2]\n"
                                                      "SwitchName=p2 Nodes=gpu-3\n"
                                                      "SwitchName=root Switches=p[1-2]\n");
        auto fabric = read_cloud_topology(Text(text));
        ASSERT_THAT(fabric->findings, SizeIs(1));
        EXPECT_THAT(sentence(fabric->findings[0]), HasSubstr("1 of 4 instances have no place"));
    }
}

TEST(Cloud, may_answer_in_pages) {
    auto said = [](const std::string& text) {
        auto fabric = read_cloud_topology(Text(text));
        return !fabric                    ? sentence(fabric.error())
               : fabric->findings.empty() ? ""
                                          : sentence(fabric->findings[0]);
    };
    const std::string
        first = R"({"Instances": [{"InstanceId": "i-1", "NetworkNodes": ["a"]}], "NextToken": "x"})",
        last = R"({"Instances": [{"InstanceId": "i-2", "NetworkNodes": ["a"]}]})";
    EXPECT_EQ(said(first),
              "line 1: the answer has a NextToken, so there are more instances than it lists; ask "
              "for all pages, and put them one after the other into the file");
    EXPECT_EQ(said(first + "\n" + last), "");
    EXPECT_THAT(
        said(R"({"nextPageToken": "x", "items": [{"name": "a", "resourceStatus": {"physicalHostTopology":
                     {"cluster": "c"}}}]})"),
        HasSubstr("has a nextPageToken"));
}

TEST(Cloud, says_which_instances_have_names_that_are_no_nodes) {
    auto fabric = read_cloud_topology(Text(R"({"Instances": [
        {"InstanceId": "n 1", "NetworkNodes": ["a"]}, {"InstanceId": "n", "NetworkNodes": ["a"]}]})"));
    ASSERT_TRUE(fabric);
    EXPECT_THAT(hosts_of(*fabric, {}).ports, SizeIs(1));
    ASSERT_THAT(fabric->findings, SizeIs(1));
    EXPECT_EQ(
        sentence(fabric->findings[0]),
        "line 1: 1 name (\"n 1\") is no node's, and is left out (expected a node's name, of letters, digits, "
        "-, _ and .); give the host its name, and collect the source again");
}

TEST(Cloud, says_what_it_cannot_read) {
    EXPECT_THAT(tree_of(read_cloud_topology, "{\"Instances\": [{\"InstanceId\": \"i\""),
                HasSubstr("line 1: the JSON that begins on line 1 is not there to its end"));
    EXPECT_THAT(tree_of(read_cloud_topology, "\n{\n\"Instances\": [\n{\"InstanceId\" \"i\"}\n]\n}\n"),
                HasSubstr("line 4: the JSON that begins on line 2 is damaged there"));
    EXPECT_THAT(tree_of(read_cloud_topology, "{\n\"Instances\": [\n\n"),
                HasSubstr("line 2: the JSON that begins on line 1 is not there to its end"));
    EXPECT_THAT(
        tree_of(read_cloud_topology, "{\"Instances\": [\n{\"InstanceId\": \"i\", \"NetworkNodes\": [1]}]}"),
        HasSubstr("line 1: the answer has NetworkNodes of i that are no list of names"));
    EXPECT_THAT(tree_of(read_cloud_topology, "\nInstances:\n"), HasSubstr("line 2: "));
    EXPECT_THAT(tree_of(read_cloud_topology, "{\"Reservations\": []}"),
                HasSubstr("has no list of instances"));
    EXPECT_THAT(tree_of(read_cloud_topology, "[{\"vmId\": \"x\"}]"),
                HasSubstr("of a form that is not known"));
    EXPECT_THAT(tree_of(read_cloud_topology, "{\"Instances\": []}"), HasSubstr("names no instance"));
    EXPECT_THAT(tree_of(read_cloud_topology, std::string(100, '[')), HasSubstr("nested more than"));
    EXPECT_THAT(tree_of(read_cloud_topology, "\n[\n" + std::string(100, '[')),
                HasSubstr("line 3: the JSON that begins on line 2 is nested more than 64 deep there"));
}

TEST(IbdmTopo, is_a_section_for_each_switch) {
    constexpr auto* text = "# two rails, one spine\n"
                           "MQM8700 leaf1 CFG: leaf3=R\n"
                           "   P1 -4x-25G-> HCA_7 node1 HCA-1/P1\n"
                           "\tP2\t-4x-25G->  HCA_7  node2  HCA-1/P1\t\r\n"
                           "   P3 -> MQM8700 spine1 P1\n"
                           "\n"
                           "MQM8700 leaf2\n"
                           "   P1 -4x-> HCA_7 node1 HCA-2/P1\n"
                           "   P2 -10G-> HCA_7 node2 HCA-2/P1\n"
                           "   P3 -> MQM8700 spine1 P2\n"
                           "MQM8700 leaf3\n"
                           "   P1 -> HCA_7 node3 HCA-1/P1\n"
                           "   P3 -> MQM8700 spine1 P3\n"
                           "MQM8700 spine1\n"
                           "   P1 -> MQM8700 leaf1 P3\n"
                           "HCA_7 node3\n"
                           "   HCA-1/P1 -> MQM8700 leaf3 P1\n";
    EXPECT_EQ(tree_of(read_ibdm_topo, text), "SwitchName=leaf1 Nodes=node[1-2]\n"
                                             "SwitchName=leaf3 Nodes=node3\n"
                                             "SwitchName=fabric1 Switches=leaf[1,3]\n");
    auto fabric = read_ibdm_topo(Text(text));
    EXPECT_THAT(fabric->links, SizeIs(8)) << "a cable that is told from both ends is one";
    EXPECT_EQ(fabric->links[0].rate.gbps_x10(), 1000);
}

TEST(IbdmTopo, says_which_types_it_takes_for_hosts) {
    auto fabric = read_ibdm_topo(
        Text("MTS800 leaf1\n P1 -> Cougar H-1 P1\n P2 -> Gnu top M/P1\n P3 -> MTS800 spine P1\n"));
    ASSERT_TRUE(fabric);
    ASSERT_THAT(fabric->findings, SizeIs(1));
    EXPECT_EQ(sentence(fabric->findings[0]),
              "systems of 2 types (Cougar, Gnu) have no section and are taken for "
              "hosts; add a line TYPE NAME where one is a switch");
}

TEST(IbdmTopo, says_what_it_cannot_read) {
    EXPECT_THAT(tree_of(read_ibdm_topo, "# nothing\n"), HasSubstr("has no cable"));
    EXPECT_THAT(tree_of(read_ibdm_topo, "P1 -> HCA a P1\n"), HasSubstr("line 1: "));
    EXPECT_THAT(tree_of(read_ibdm_topo, "SW s\n P1 -> HCA a\n"),
                HasSubstr("line 2: \" P1 -> HCA a\" cannot be read (expected PORT -> TYPE NAME PORT)"));
    EXPECT_THAT(tree_of(read_ibdm_topo, "SW leaf1\n P1 -4x-14G-> HCA a P1\n P2 -4x"), // cut off there
                HasSubstr("line 3: \" P2 -4x\" cannot be read"));
    EXPECT_THAT(tree_of(read_ibdm_topo, "SW s\n P1 -4q-> HCA a P1\n"), HasSubstr("line 2: "));
    EXPECT_THAT(tree_of(read_ibdm_topo, "SW s\n P1 -> HCA a P1\n P1 -> HCA b P1\n"),
                HasSubstr("line 3: port s P1 has a cable to a P1 already (expected one cable a port)"));
    EXPECT_THAT(tree_of(read_ibdm_topo, "SW s\n P1 -> HCA a P1\n P2 -> HCA a P1\n"),
                HasSubstr("line 3: port a P1 has a cable to s P1 already"));
}

namespace {

constexpr auto* domains = "node, fabric.clusterUuid, fabric.cliqueId\n"
                          "gb1, 11111111-2222-3333-4444-555555555555, 32766\n"
                          "gb1, 11111111-2222-3333-4444-555555555555, 32766\n"
                          "gb2, 11111111-2222-3333-4444-555555555555, 32766\n"
                          "gb3, 11111111-9999-3333-4444-555555555555, 32766\n"
                          "gb3, 11111111-9999-3333-4444-555555555555, 1\n"
                          "gb3, 11111111-9999-3333-4444-555555555555, 32766\n"
                          "gb4, 00000000-0000-0000-0000-000000000000, 0\n"
                          "cpu1, [N/A], [N/A]\ncpu2, [Not Supported], [Not Supported]\n";

} // namespace

TEST(Nvlink, domains_are_blocks) {
    auto fabric = read_nvlink_domains(Text(domains));
    ASSERT_TRUE(fabric);
    auto hosts = hosts_of(*fabric, {});
    auto map = rail_map_of(*fabric, hosts);
    auto blocks = blocks_of(hosts, map, {.nodes = {"gb1", "gb2", "gb3", "gb4"}, .base = 0, .order = {}});
    EXPECT_EQ(topology_conf(blocks),
              "BlockName=nvl-11111111-2222-3333-4444-555555555555-32766 Nodes=gb[1-2]\n"
              "BlockName=nvl-11111111-9999-3333-4444-555555555555-32766 Nodes=gb3\n"
              "BlockSizes=1,2\n");
    ASSERT_THAT(fabric->findings, SizeIs(2));
    EXPECT_THAT(sentence(fabric->findings[1]),
                HasSubstr("3 nodes (cpu[1-2],gb4) have no GPU in an NVLink domain, and so no block; "));
    EXPECT_EQ(sentence(fabric->findings[0]),
              "gb3: its GPUs are in several NVLink domains, of which "
              "nvl-11111111-9999-3333-4444-555555555555-32766 counts, with 2 of them; "
              "look at nvidia-smi -q there, and at the fabric manager");
    EXPECT_FALSE(read_nvlink_domains(Text("cpu1, [N/A], [N/A]\n")));
    EXPECT_THAT(tree_of(read_nvlink_domains, "gb1\n"), HasSubstr("line 1: \"gb1\" cannot be read"));
    EXPECT_THAT(tree_of(read_nvlink_domains, "gb1, 11111111-2222-3333-4444-555555555555, 1\ngb2, 7, 1\n"),
                HasSubstr("line 2: \"gb2, 7, 1\" cannot be read"));
}

TEST(Nvlink, domains_have_their_node_in_front_as_pdsh_or_a_shell_puts_it) {
    const auto* uuid = "11111111-2222-3333-4444-555555555555";
    for (const auto* front : {"gb1,", "gb1, ", "gb1: ", "gb1 ", "gb1\t"})
        for (const auto* between : {", ", ",", " "})
            EXPECT_EQ(tree_of(read_nvlink_domains,
                              fmt::format("{}fabric.clusterUuid{}fabric.cliqueId\n{}{}{}32766\n", front,
                                          between, front, uuid, between)),
                      "SwitchName=nvl-11111111-32766 Nodes=gb1\n");
}

TEST(Nvlink, domains_have_nodes_with_names_of_nodes) {
    auto fabric = read_nvlink_domains(Text("gb1, 11111111-2222-3333-4444-555555555555, 1\n"
                                           "gb 2, 11111111-2222-3333-4444-555555555555, 1\n"));
    ASSERT_TRUE(fabric);
    EXPECT_THAT(hosts_of(*fabric, {}).hosts, SizeIs(1));
    ASSERT_THAT(fabric->findings, SizeIs(1));
    EXPECT_THAT(sentence(fabric->findings[0]), HasSubstr("line 2: 1 name (\"gb 2\") is no node's"));
}
