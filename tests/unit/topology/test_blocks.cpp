#include "topology/blocks.hpp"

#include "fabric_rig.hpp"

using namespace railhead::topology;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

Blocks blocks(const Synth& shape, const BlockOptions& options = {}) {
    Mapped mapped(shape);
    return blocks_of(mapped.hosts, mapped.map, options);
}

} // namespace

TEST(Blocks, are_leaf_groups_with_sizes_up_to_all_of_them) {
    auto made = blocks({.nodes = 12, .rails = 2, .unit = 4, .spines = 2});
    EXPECT_EQ(topology_conf(made), "BlockName=su1 Nodes=node[01-04]\n"
                                   "BlockName=su2 Nodes=node[05-08]\n"
                                   "BlockName=su3 Nodes=node[09-12]\n"
                                   "BlockSizes=4,8,16\n");
    EXPECT_THAT(made.findings, IsEmpty());
    EXPECT_EQ(topology_yaml(made, "nvlink", false), "- topology: nvlink\n"
                                                    "  cluster_default: false\n"
                                                    "  block:\n"
                                                    "    block_sizes:\n"
                                                    "      - 4\n"
                                                    "      - 8\n"
                                                    "      - 16\n"
                                                    "    blocks:\n"
                                                    "      - block: su1\n"
                                                    "        nodes: node[01-04]\n"
                                                    "      - block: su2\n"
                                                    "        nodes: node[05-08]\n"
                                                    "      - block: su3\n"
                                                    "        nodes: node[09-12]\n");
}

TEST(Blocks, base_is_never_above_the_smallest_block) {
    auto made = blocks({.nodes = 9, .rails = 2, .unit = 4, .spines = 2});
    EXPECT_THAT(made.sizes, ElementsAre(1, 2, 4));
    ASSERT_THAT(made.findings, SizeIs(1));
    EXPECT_EQ(sentence(made.findings[0]), "the smallest block has 1 node where at least half of the blocks "
                                          "have 4 or more, and no base block may "
                                          "be larger; see whether its other nodes are in the source, or "
                                          "leave small blocks out with --block-size 4");
}

TEST(Blocks, below_the_size_that_is_wanted_are_left_out_and_named) {
    auto made = blocks({.nodes = 9, .rails = 2, .unit = 4, .spines = 2},
                       {.nodes = {"node1", "node9"}, .base = 4, .order = {}});
    EXPECT_THAT(made.lines, SizeIs(2));
    EXPECT_THAT(made.sizes, ElementsAre(4, 8));
    ASSERT_THAT(made.findings, SizeIs(2));
    EXPECT_EQ(sentence(made.findings[0]),
              "block su3 (node9) has 1 node, and is left out (expected at least 4)");
    EXPECT_EQ(made.findings[1].id, "block-none");
}

TEST(Blocks, stand_in_the_order_that_is_wanted) {
    auto made = blocks({.nodes = 8, .rails = 2, .unit = 4, .spines = 2},
                       {.nodes = {}, .base = 0, .order = {"node5", "node1"}});
    EXPECT_EQ(made.lines[0].name, "su2");
}
