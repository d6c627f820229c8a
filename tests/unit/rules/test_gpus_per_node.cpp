#include "rules/gpus_per_node.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace gpus_per_node_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = gpus_per_node_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(GpusPerNode, accepts_what_a_node_has) {
    EXPECT_EQ(verdict(asks(Per::node, "h100", 8)), "accepted");
    EXPECT_EQ(verdict(asks(Per::job, "", 256)), "accepted") << "spread over nodes";
    EXPECT_EQ(verdict(on(asks(Per::job, "", 16), 2)), "accepted");
    EXPECT_EQ(verdict(in(asks(Per::node, "", 8), {"mixed"})), "accepted") << "four of each type";
    EXPECT_EQ(verdict(in(asks(Per::node, "h100", 6), {"untyped"})), "accepted");
    EXPECT_EQ(verdict(in(asks(Per::node, "", 8), {"a100", "gpu"})), "accepted") << "one of them is enough";
    EXPECT_EQ(verdict(JobRequest{}), "accepted");
}

TEST(GpusPerNode, leaves_an_unknown_type_to_its_own_rule) {
    EXPECT_EQ(verdict(asks(Per::node, "a100", 16)), "accepted");
}

TEST(GpusPerNode, spreads_the_same_gpus_over_more_nodes) {
    EXPECT_EQ(verdict(asks(Per::node, "h100", 16)),
              "gpu:h100:16 per node is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --nodes=2 --gpus-per-node=h100:8 or else --gpus-per-node=h100:8");
    EXPECT_EQ(verdict(on(asks(Per::node, "", 12), 2)),
              "gpu:12 per node is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --nodes=3 --gpus-per-node=8 or else --gpus-per-node=8");
    EXPECT_EQ(verdict(asks(Per::node, "", 9)),
              "gpu:9 per node is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --gpus-per-node=8");
    EXPECT_EQ(verdict(on(asks(Per::job, "h100", 16), 1)),
              "gpu:h100:16 on 1 node is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --nodes=2 or else --gpus=h100:8");
}

TEST(GpusPerNode, does_not_guess_nodes_that_follow_from_tasks) {
    auto job = asks(Per::node, "", 16);
    job.tasks = 4;
    EXPECT_EQ(verdict(job),
              "gpu:16 per node is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --gpus-per-node=8");
}

TEST(GpusPerNode, knows_that_a_job_is_on_no_more_nodes_than_it_has_tasks) {
    auto job = asks(Per::job, "", 17);
    EXPECT_EQ(verdict(job), "accepted");
    job.tasks = 3;
    EXPECT_EQ(verdict(job), "accepted");
    job.tasks = 2;
    EXPECT_EQ(verdict(job),
              "gpu:17 with 2 tasks is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --gpus=16");
    job.gpus.items[0].count = 16;
    EXPECT_EQ(verdict(job), "accepted");
    job.tasks = 1;
    EXPECT_EQ(verdict(job),
              "gpu:16 with 1 task is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --gpus=8");
}

TEST(GpusPerNode, knows_that_a_task_runs_on_one_node) {
    EXPECT_EQ(verdict(asks(Per::task, "", 16)),
              "gpu:16 per task is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --gpus-per-task=8");
}

TEST(GpusPerNode, names_a_partition_with_bigger_nodes) {
    EXPECT_EQ(
        verdict(in(asks(Per::node, "", 8), {"a100"})),
        "gpu:8 per node is more than any node of partition a100 has (a100 x 4 on 2 nodes); "
        "try --nodes=2 --gpus-per-node=4 or --partition=gpu or --partition=mixed or else --gpus-per-node=4");
    EXPECT_EQ(verdict(in(asks(Per::node, "h100", 8), {"mixed"})),
              "gpu:h100:8 per node is more than any node of partition mixed has (h100 x 4 on 3 nodes); "
              "try --nodes=2 --gpus-per-node=h100:4 or --partition=gpu or else --gpus-per-node=h100:4");
}

TEST(GpusPerNode, leaves_a_partition_without_gpus_to_its_own_rule) {
    EXPECT_EQ(verdict(in(asks(Per::job, "", 1), {"cpu"})), "accepted");
}

TEST(GpusPerNode, proposes_the_most_where_there_are_no_more_nodes) {
    EXPECT_EQ(verdict(on(asks(Per::job, "", 257), 32)),
              "gpu:257 on 32 nodes is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --gpus=256");
    EXPECT_EQ(verdict(in(on(asks(Per::node, "a100", 8), 2), {"a100"})),
              "gpu:a100:8 per node is more than any node of partition a100 has (a100 x 4 on 2 nodes); "
              "try --gpus-per-node=a100:4");
    EXPECT_EQ(verdict(in(on(asks(Per::node, "a100", 8), 3), {"a100"})),
              "gpu:a100:8 per node is more than any node of partition a100 has (a100 x 4 on 2 nodes); "
              "try --gpus-per-node=a100:4")
        << "that there are no 3 nodes is said beside it";
}

TEST(GpusPerNode, proposes_no_more_nodes_than_tasks) {
    auto job = on(asks(Per::node, "", 16), 1);
    job.tasks = 1;
    EXPECT_EQ(verdict(job),
              "gpu:16 per node is more than any node of partition gpu has (h100 x 8 on 32 nodes); "
              "try --gpus-per-node=8");
}

TEST(GpusPerNode, counts_the_tasks_that_one_node_must_take) {
    auto job = on(asks(Per::task, "", 2), 1);
    job.tasks = 8;
    EXPECT_EQ(verdict(job),
              "gpu:2 per task with 8 tasks on 1 node is more than any node of partition gpu has "
              "(h100 x 8 on 32 nodes); try --nodes=2 or else --gpus-per-task=1");
    job.tasks_per_node = 8;
    EXPECT_EQ(
        verdict(job),
        "gpu:2 per task with 8 tasks on 1 node is more than any node of partition gpu has "
        "(h100 x 8 on 32 nodes); try --nodes=2 --ntasks=8 --ntasks-per-node=4 or else --gpus-per-task=1");
    job.tasks.reset();
    EXPECT_EQ(verdict(job), "gpu:2 per task with 8 tasks per node is more than any node of partition gpu has "
                            "(h100 x 8 on 32 nodes); try --gpus-per-task=1");
    job.tasks = 4;
    EXPECT_NE(verdict(job), "accepted") << "beside GPUs per task, --ntasks-per-node counts";
    job.tasks_per_node = 4;
    job.tasks = 300;
    job.nodes_max.reset();
    EXPECT_EQ(verdict(job), "accepted") << "they may spread";
    job.tasks_per_node = 5;
    EXPECT_EQ(verdict(job), "gpu:2 per task with 5 tasks per node is more than any node of partition gpu has "
                            "(h100 x 8 on 32 nodes); try --gpus-per-task=1");
}

TEST(GpusPerNode, counts_what_gpus_are_shared_by) { // rejected by 22.05, 24.11 and 26.05
    auto sharing = cluster();
    for (auto& each : sharing.classes) each.gres.push_back({"shard", "", 16});
    JobRequest job;
    job.gpus.items = {{"shard", "h100", Per::node, 16, "gres/shard:h100:16", NodeOption::gres}};
    EXPECT_EQ(verdict(job, sharing), "accepted");
    job.gpus.items[0].count = 17;
    EXPECT_EQ(verdict(job, sharing),
              "shard:17 per node is more than any node of partition gpu has (16); try --gres=shard:h100:16");
    job.gpus.items[0].type.clear();
    EXPECT_EQ(verdict(job, sharing),
              "shard:17 per node is more than any node of partition gpu has (16); try --gres=shard:16");
    EXPECT_EQ(verdict(job), "accepted") << "no node has any: nothing is known of them";
    job.gpus.items[0].per = Per::task;
    job.gpus.items[0].option = NodeOption::tres_per_task;
    EXPECT_EQ(verdict(job, sharing),
              "shard:17 per task is more than any node of partition gpu has (16); ask for 16");
}

TEST(GpusPerNode, counts_the_shards_of_all_tasks_together) { // -n8 --tres-per-task=gres/shard:4
    auto sharing = cluster();
    for (auto& each : sharing.classes) each.gres.push_back({"shard", "", 8});
    auto job = in({}, {"a100"}); // of two nodes
    job.gpus.items = {{"shard", "", Per::task, 4, "gres/shard:4", NodeOption::tres_per_task}};
    job.tasks = 4;
    EXPECT_EQ(verdict(job, sharing), "accepted");
    job.tasks = 5;
    EXPECT_EQ(verdict(job, sharing),
              "shard:4 per task for 5 tasks is more than partition a100 has (16); try --ntasks=4");
    EXPECT_EQ(verdict(job), "accepted") << "no node has any: nothing is known of them";
}

TEST(GpusPerNode, knows_that_a_job_gets_the_shards_of_one_gpu) { // shard:3 runs for ever in the queue
    auto sharing = cluster();
    for (auto& each : sharing.classes) each.gres.push_back({"shard", "", 16});
    sharing.shards_of_one_gpu = true;
    JobRequest job;
    job.gpus.items = {{"shard", "", Per::node, 2, "gres/shard:2", NodeOption::gres}};
    EXPECT_EQ(verdict(job, sharing), "accepted");
    job.gpus.items[0].count = 3;
    auto finding = gpus_per_node_rule(job, sharing, sharing.partitions_of(job));
    EXPECT_EQ(finding->level, Level::warn) << "gres.conf may give one GPU more than another";
    EXPECT_EQ(
        sentence(*finding),
        "shard:3 per node is more than the share of a GPU in partition gpu (2 of 16 on a node), and a job "
        "gets those of one GPU of a node: it may wait for ever; try --gres=shard:2");
    job.gpus.items[0].count = 17;
    EXPECT_EQ(verdict(job, sharing),
              "shard:17 per node is more than any node of partition gpu has (16); try --gres=shard:2");
    job.gpus.items[0] = {"shard", "", Per::task, 2, "gres/shard:2", NodeOption::tres_per_task};
    job.tasks = 32; // a node for each
    EXPECT_EQ(verdict(job, sharing), "accepted");
    job.tasks = 33;
    EXPECT_NE(verdict(job, sharing), "accepted");
    job = on(job, 1);
    job.tasks = 2;
    EXPECT_EQ(gpus_per_node_rule(job, sharing, sharing.partitions_of(job))->level, Level::warn);
}

} // namespace gpus_per_node_test
