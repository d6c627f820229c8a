#include "rules/node_shape.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::testing;

namespace {

std::string verdict(const JobRequest& job) {
    static const auto inventory = cluster();
    auto finding = node_shape_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(NodeShape, knows_the_cpus_of_a_node) { // 16 CPUs and 32000 MiB each
    auto job = asks(Per::node, "h100", 8);
    job.cpus_per_task = 16;
    EXPECT_EQ(verdict(job), "accepted");
    job.cpus_per_task = 17;
    EXPECT_EQ(verdict(job),
              "17 CPUs per task are more than any node of partition gpu with the GPUs asked for has (16); "
              "try --cpus-per-task=16");
    job.cpus_per_task = 3;
    job.tasks_per_node = 8;
    EXPECT_EQ(verdict(job),
              "24 CPUs for 8 tasks are more than any node of partition gpu with the GPUs asked for has (16); "
              "try --cpus-per-task=2");
    job.tasks = 8;
    EXPECT_EQ(verdict(job), "accepted")
        << "two nodes may share them: beside --ntasks it is the most of a node";
    EXPECT_NE(verdict(on(job, 1)), "accepted");
    job.tasks.reset();
    job.overcommit = true;
    EXPECT_EQ(verdict(job), "accepted");
    auto per_gpu = asks(Per::node, "h100", 8);
    per_gpu.cpus_per_gpu = 3;
    EXPECT_EQ(verdict(per_gpu),
              "24 CPUs for 8 GPUs are more than any node of partition gpu with the GPUs asked for has "
              "(16); try a smaller --cpus-per-gpu");
    JobRequest many;
    many.tasks_per_node = 17;
    EXPECT_EQ(verdict(in(many, {"cpu"})),
              "17 CPUs for 17 tasks are more than any node of partition cpu has (16); "
              "use fewer tasks on a node (--ntasks-per-node=16)");
}

TEST(NodeShape, knows_the_memory_of_a_node) {
    auto job = asks(Per::node, "h100", 1);
    job.memory_per_node_mib = 32000;
    EXPECT_EQ(verdict(job), "accepted");
    job.memory_per_node_mib = 32001;
    EXPECT_EQ(verdict(job),
              "--mem=32001M is more than any node of partition gpu with the GPUs asked for has (32000 MiB); "
              "try --mem=32000M");
    job.memory_per_node_mib = 0;
    EXPECT_EQ(verdict(job), "accepted") << "all of it";
}

TEST(NodeShape, counts_the_nodes_that_are_left) {
    auto job = on(asks(Per::node, "h100", 8), 31);
    job.exclude = "node1";
    EXPECT_EQ(verdict(job), "accepted");
    job.exclude = "node[1-2],other,a1";
    EXPECT_EQ(
        verdict(job),
        "31 nodes are more than partition gpu can give with what the job asks of each (30); try --nodes=30");
    job = asks(Per::node, "a100", 1);
    job.exclude = "a[1-2]";
    EXPECT_EQ(verdict(in(job, {"a100"})),
              "1 node is more than partition a100 can give with what the job asks of each "
              "(0); exclude fewer nodes");
}

TEST(NodeShape, knows_a_node_that_cannot_be_had) {
    auto job = asks(Per::node, "h100", 8);
    job.nodelist = "node1";
    EXPECT_EQ(verdict(job), "accepted");
    job.nodelist = "node1,a1";
    EXPECT_EQ(verdict(job),
              "a1 is named in --nodelist, and is no node of partition gpu with the GPUs asked for that has "
              "what the job asks of a node; leave it out, or ask less");
    EXPECT_EQ(verdict(in(job, {"gpu", "a100"})).substr(0, 22), "a1 is named in --nodel");
}

TEST(NodeShape, leaves_gpus_and_updates_alone) {
    auto job = asks(Per::node, "h100", 9);
    job.cpus_per_task = 17;
    EXPECT_EQ(verdict(job), "accepted") << "gpus-per-node's";
    job = asks(Per::node, "h100", 8);
    job.cpus_per_task = 17;
    job.modify = true;
    EXPECT_EQ(verdict(job), "accepted");
    EXPECT_EQ(verdict({}), "accepted");
    EXPECT_EQ(verdict(on({}, 33)), "accepted") << "gpus-total's";
}
