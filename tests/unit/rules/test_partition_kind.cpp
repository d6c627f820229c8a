#include "rules/partition_kind.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace partition_kind_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = partition_kind_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(PartitionKind, refuses_gpus_where_there_are_none_and_names_who_has_them) {
    EXPECT_EQ(verdict(in(asks(Per::node, "a100", 1), {"cpu"})),
              "gpu:a100:1 per node is asked of partition cpu, which has no GPUs; try --partition=a100");
    EXPECT_EQ(verdict(in(asks(Per::job, "", 1), {"cpu"})),
              "gpu:1 is asked of partition cpu, which has no GPUs; try --partition=gpu or --partition=a100 "
              "or --partition=mixed or --partition=untyped");
    EXPECT_EQ(verdict(in(asks(Per::node, "v100", 1), {"cpu"})),
              "gpu:v100:1 per node is asked of partition cpu, which has no GPUs; "
              "ask for what partition gpu has (h100 x 8 on 32 nodes)");
}

TEST(PartitionKind, accepts_where_one_of_the_partitions_has_some) {
    EXPECT_EQ(verdict(in(asks(Per::node, "", 1), {"cpu", "gpu"})), "accepted");
    EXPECT_EQ(verdict(asks(Per::node, "v100", 1)), "accepted") << "gpu-type's";
}

TEST(PartitionKind, warns_of_a_job_without_gpus_on_nodes_that_all_have_some) {
    EXPECT_EQ(verdict({}), "no GPU is asked of partition gpu (h100 x 8 on 32 nodes); "
                           "add --gpus-per-node=N or try --partition=cpu");
    EXPECT_EQ(verdict(in({}, {"cpu"})), "accepted");
    EXPECT_EQ(verdict(in({}, {"cpu", "gpu"})), "accepted") << "it may run on cpu";
    EXPECT_EQ(verdict({.exclusive = true}), "accepted") << "whole nodes come with their GPUs";
    auto whole = cluster();
    whole.partitions[0].whole_nodes = true;
    EXPECT_EQ(verdict({}, whole), "accepted");
    JobRequest share;
    share.gpus.items = {{"shard", "", Per::node, 1, ""}};
    EXPECT_EQ(verdict(share), "accepted") << "a part of one";
    JobRequest update;
    update.modify = true;
    EXPECT_EQ(verdict(update), "accepted") << "the job may have some";
}

TEST(PartitionKind, knows_that_tasks_and_room_for_each_gpu_ask_for_gpus) {
    JobRequest job;
    EXPECT_NE(verdict(job).find("or try --partition=cpu"), std::string::npos) << verdict(job);
    job.cpus_per_gpu = 2;
    EXPECT_EQ(verdict(job).find("--partition"), std::string::npos) << verdict(job);
    job.tasks_per_gpu = 2;
    EXPECT_EQ(verdict(job), "accepted");
}

} // namespace partition_kind_test
