#include "rules/whole_nodes.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace whole_nodes_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = whole_nodes_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(WholeNodes, warns_of_parts_of_several_nodes) {
    EXPECT_EQ(verdict(on(asks(Per::node, "h100", 4), 4)),
              "4 of 8 GPUs on each of 4 nodes need not lie on the same rails; "
              "try --nodes=2 --gpus-per-node=h100:8 or --exclusive");
    EXPECT_EQ(verdict(on(asks(Per::node, "", 3), 3)),
              "3 of 8 GPUs on each of 3 nodes need not lie on the same rails; try --exclusive");
}

TEST(WholeNodes, proposes_the_option_that_was_typed) {
    auto job = on(asks(Per::node, "h100", 4), 2);
    job.gpus.items[0].option = NodeOption::gres;
    job.gpus.items[0].spelling = "gres/gpu:h100:4";
    EXPECT_EQ(verdict(job), "4 of 8 GPUs on each of 2 nodes need not lie on the same rails; "
                            "try --nodes=1 --gres=gpu:h100:8 or --exclusive");
    job = on(asks(Per::task, "h100", 1), 2);
    job.tasks_per_node = 4;
    EXPECT_EQ(verdict(job), "4 of 8 GPUs on each of 2 nodes need not lie on the same rails; try --exclusive");
}

TEST(WholeNodes, accepts_whole_ones_and_single_ones) {
    EXPECT_EQ(verdict(on(asks(Per::node, "h100", 8), 4)), "accepted");
    EXPECT_EQ(verdict(on(asks(Per::node, "h100", 4), 1)), "accepted");
    EXPECT_EQ(verdict(in(on(asks(Per::node, "", 4), 2), {"a100"})), "accepted");
    auto job = on(asks(Per::node, "h100", 4), 4);
    job.exclusive = true;
    EXPECT_EQ(verdict(job), "accepted");
    auto whole = cluster();
    whole.partitions[0].whole_nodes = true;
    EXPECT_EQ(verdict(on(asks(Per::node, "h100", 4), 4), whole), "accepted");
}

} // namespace whole_nodes_test
