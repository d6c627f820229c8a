#include "topology/topology_conf.hpp"

#include <gmock/gmock.h>

using namespace railhead::topology;
using railhead::sentence;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

TEST(TopologyConf, is_read_as_slurm_reads_it) {
    auto conf = read_topology_conf("# leaves\n"
                                   "SwitchName=su1 Nodes=node[1-2],login  # the first\n"
                                   "switchname=su2\tNODES=node3 LinkSpeed=1\r\n"
                                   "\n"
                                   "SwitchName=root \\\n"
                                   "   Switches=su[1-2]\n");
    ASSERT_TRUE(conf) << sentence(conf.error());
    ASSERT_THAT(conf->switches, SizeIs(3));
    EXPECT_THAT(conf->switches[0].nodes, ElementsAre("node1", "node2", "login"));
    EXPECT_EQ(conf->switches[1].name, "su2");
    EXPECT_EQ(conf->switches[1].line, 3U);
    EXPECT_THAT(conf->switches[2].switches, ElementsAre("su1", "su2"));
    EXPECT_EQ(conf->switches[2].line, 5U);
    EXPECT_THAT(conf->findings, IsEmpty());
}

TEST(TopologyConf, may_be_of_blocks) {
    auto conf = read_topology_conf("BlockName=b1 Nodes=n[1-4]\nBlockName=b2 Nodes=n[5-8]\nBlockSizes=4,8\n");
    ASSERT_TRUE(conf);
    EXPECT_THAT(conf->blocks, SizeIs(2));
    EXPECT_THAT(conf->block_sizes, ElementsAre(4, 8));
    EXPECT_EQ(conf->block_sizes_line, 3U);
}

TEST(TopologyConf, names_the_line_that_it_cannot_read) {
    auto refusal = [](const char* text) {
        auto conf = read_topology_conf(text);
        return conf ? "read" : sentence(conf.error());
    };
    EXPECT_EQ(refusal("SwitchName=a Nodes=b\nSwichName=c Nodes=d\n"),
              "line 2: \"SwichName\" cannot be read (expected SwitchName=, Nodes=, Switches=, BlockName= "
              "or BlockSizes=)");
    EXPECT_THAT(refusal("SwitchName=a Nodes=b[1-\n"), HasSubstr("line 1: Nodes: "));
    EXPECT_THAT(refusal("Nodes=b\n"), HasSubstr("(expected SwitchName= or BlockName= on the same line)"));
    EXPECT_THAT(refusal("SwitchName=a SwitchName=b\n"), HasSubstr("(expected SwitchName once on a line)"));
    EXPECT_THAT(refusal("BlockSizes=4,x\n"), HasSubstr("numbers with commas between them"));
    EXPECT_THAT(refusal("BlockSizes=4\nBlockSizes=8\n"), HasSubstr("BlockSizes once in a file"));
}

TEST(TopologyConf, that_includes_another_says_that_it_is_not_followed) {
    auto conf = read_topology_conf("include more.conf\nSwitchName=a Nodes=b\n");
    ASSERT_TRUE(conf);
    ASSERT_THAT(conf->findings, SizeIs(1));
    EXPECT_EQ(sentence(conf->findings[0]), "line 1: Include is not followed; check that file by itself");
}

TEST(LeafOf, a_node_under_two_leaves_is_the_last) {
    auto leaves = leaves_of(*read_topology_conf("SwitchName=a Nodes=n[1-2]\nSwitchName=b Nodes=n[2-3]\n"));
    EXPECT_THAT(leaves.nodes, ElementsAre(Pair("n1", 0), Pair("n2", 1), Pair("n3", 1)));
}
