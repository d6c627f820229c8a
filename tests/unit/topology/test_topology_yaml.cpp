#include "topology/check.hpp"
#include "topology/topology_yaml.hpp"

#include <gmock/gmock.h>

using namespace railhead::topology;
using railhead::sentence;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

namespace {

constexpr auto* two = "# of this site\n"
                      "---\n"
                      "- topology: racks\n"
                      "  cluster_default: false\n"
                      "  block:\n"
                      "    block_sizes:\n"
                      "      - 4\n"
                      "      - 8\n"
                      "    blocks:\n"
                      "      - block: b1\n"
                      "        nodes: n[1-4]\n"
                      "- topology: default\n"
                      "  cluster_default: true\n"
                      "  tree:\n"
                      "    switches:\n"
                      "      - switch: su1\n"
                      "        nodes: n[1-2]\n"
                      "      - switch: root\n"
                      "        children: su1\n"
                      "- topology: rest\n"
                      "  flat: true\n";

} // namespace

TEST(TopologyYaml, has_several_topologies) {
    EXPECT_TRUE(is_topology_yaml(two));
    EXPECT_FALSE(is_topology_yaml("# nodes\nSwitchName=a Nodes=b\n"));
    EXPECT_FALSE(is_topology_yaml(""));
    EXPECT_TRUE(is_topology_yaml("# JSON is YAML\n[{\"topology\": \"a\", \"flat\": true}]\n"));
    EXPECT_TRUE(read_topology_yaml("[{topology: a, flat: true}]\n"));
    auto read = read_topology_yaml(two);
    ASSERT_TRUE(read) << sentence(read.error());
    ASSERT_THAT(*read, SizeIs(3));
    EXPECT_EQ((*read)[0].name, "racks");
    EXPECT_THAT((*read)[0].conf.block_sizes, ElementsAre(4, 8));
    EXPECT_THAT((*read)[0].conf.blocks[0].nodes, SizeIs(4));
    EXPECT_EQ((*read)[1].conf.switches[1].line, 18U);
    EXPECT_TRUE((*read)[2].conf.switches.empty());
    auto conf = read_any_topology(two);
    ASSERT_TRUE(conf);
    EXPECT_THAT(conf->switches, SizeIs(2)) << "the default one";
}

TEST(TopologyYaml, says_of_one_name_and_of_two_defaults_which_counts) {
    auto found = check_text("- topology: a\n  cluster_default: true\n  flat: true\n"
                            "- topology: a\n  cluster_default: True\n  flat: true\n",
                            {.slurm = 2605});
    ASSERT_TRUE(found) << sentence(found.error());
    ASSERT_THAT(*found, SizeIs(2));
    EXPECT_EQ(sentence((*found)[0]), "line 4: topology a is defined on line 1 as well, and a partition gets "
                                     "one of the two (expected a name of its own)");
    EXPECT_EQ(sentence((*found)[1]),
              "line 4: topology a has cluster_default, as a on line 1 has, which Slurm "
              "takes (expected one cluster_default)");
    EXPECT_EQ((*found)[0].level, railhead::Level::warn) << "slurmctld takes the file";
}

TEST(TopologyYaml, has_a_default_in_each_word_that_slurm_takes_for_yes) {
    for (const char* yes : {"true", "True", "yes", "\"on\"", "1", "maybe"}) {
        auto read = read_topology_yaml(
            std::string("- {topology: a, flat: true}\n- {topology: b, flat: true, cluster_default: ") + yes +
            "}\n");
        ASSERT_TRUE(read);
        EXPECT_TRUE((*read)[1].is_default) << yes;
    }
    for (const char* no : {"false", "No", "off", "0", ""})
        EXPECT_FALSE(
            read_topology_yaml(std::string("- topology: b\n  flat: true\n  cluster_default: ") + no + "\n")
                ->front()
                .is_default)
            << no;
    EXPECT_FALSE(read_topology_yaml("- {topology: b, flat: true, cluster_default: [1]}\n"));
}

TEST(TopologyYaml, says_which_kinds_it_leaves_to_slurm) {
    auto found = check_text("- topology: a\n  ring: {rings: [{ring: r, nodes: n1}]}\n", {.slurm = 2605});
    ASSERT_TRUE(found) << sentence(found.error());
    ASSERT_THAT(*found, SizeIs(1));
    EXPECT_EQ(sentence(found->front()),
              "line 1: topology a is a ring, which is neither checked nor compared here; let "
              "Slurm read it: railhead topology install --dry-run");
}

TEST(TopologyYaml, names_keys_that_slurm_passes_over) {
    auto read = read_topology_yaml(
        "- topology: a\n  colour: red\n  tree:\n    switches:\n    - switch: b\n      nodez: c\n");
    ASSERT_TRUE(read) << sentence(read.error());
    const auto& findings = read->front().conf.findings;
    ASSERT_THAT(findings, SizeIs(2));
    EXPECT_THAT(sentence(findings[0]),
                HasSubstr("line 2: colour is nothing that Slurm knows there, and is passed over "
                          "(expected topology, cluster_default, tree"));
    EXPECT_EQ(sentence(findings[1]),
              "line 6: nodez is nothing that Slurm knows there, and is passed over (expected "
              "switch, nodes, children)");
}

TEST(TopologyYaml, names_the_line_that_it_cannot_read) {
    auto refusal = [](const char* text) {
        auto read = read_topology_yaml(text);
        return read ? "read" : sentence(read.error());
    };
    EXPECT_EQ(refusal("---\nswitch: a\n"),
              "line 1: what stands there is no list of topologies (expected - topology: NAME)");
    EXPECT_THAT(
        refusal("- topology: a\n  tree:\n    switches:\n      - zwitch: b\n"),
        HasSubstr("line 4: what stands there is no switch (expected switch: NAME, with nodes or children)"));
    EXPECT_THAT(refusal("- topology: a\n  tree:\n    switches:\n      - switch: b\n        nodes: n[1-\n"),
                HasSubstr("line 4: nodes: "));
    EXPECT_THAT(refusal("- topology: a\n  block:\n    block_sizes: [4, x]\n    blocks: [{block: b}]\n"),
                HasSubstr("line 3: what stands there is no size"));
    EXPECT_THAT(refusal("- topology: [\n"), HasSubstr("is no YAML: "));
    EXPECT_THAT(refusal("- 1\n"), HasSubstr("is no topology"));
    EXPECT_EQ(refusal("- topology: a\n"),
              "line 1: what stands there has 0 kinds of topology (expected one of tree, "
              "block, flat, ring, torus3d)");
    EXPECT_THAT(refusal("- topology: a\n  tree: {}\n  block: {}\n"), HasSubstr("has 2 kinds of topology"));
    EXPECT_THAT(refusal("- topology: a\n  tree:\n"), HasSubstr("what stands there is no map"));
    EXPECT_THAT(
        refusal("- topology: a\n  tree:\n    switches: {}\n"),
        HasSubstr("line 3: what stands there has no list of what it joins (expected switches: and a list)"));
    EXPECT_THAT(refusal("- topology: a\n  tree:\n    switches:\n    - switch: b\n      nodes: [c]\n"),
                HasSubstr("line 5: what stands there is no nodes (expected a host list, as node[1-4])"));
    EXPECT_THAT(refusal("- topology: a\n  block: {block_sizes: 4, blocks: [{block: b}]}\n"),
                HasSubstr("is no list of sizes"));
}
