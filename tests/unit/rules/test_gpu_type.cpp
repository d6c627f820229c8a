#include "rules/gpu_type.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace gpu_type_test {

namespace {

std::string verdict(const JobRequest& job) {
    static const auto inventory = cluster();
    auto finding = gpu_type_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(GpuType, accepts_what_the_partition_has) {
    EXPECT_EQ(verdict(asks(Per::node, "h100", 8)), "accepted");
    EXPECT_EQ(verdict(asks(Per::node, "", 8)), "accepted");
    EXPECT_EQ(verdict(JobRequest{}), "accepted");
    EXPECT_EQ(verdict(in(asks(Per::node, "a100", 4), {"gpu", "a100"})), "accepted")
        << "one of them is enough";
    EXPECT_EQ(verdict(in(asks(Per::node, "h200", 1), {"mixed"})), "accepted");
}

TEST(GpuType, says_what_to_type_instead_in_the_option_of_the_user) {
    EXPECT_EQ(verdict(asks(Per::node, "a100", 4)),
              "gpu:a100 is not in partition gpu (has h100 x 8 on 32 nodes); "
              "try --gpus-per-node=h100:4 or --partition=a100");
    EXPECT_EQ(verdict(asks(Per::node, "a100", 16)),
              "gpu:a100 is not in partition gpu (has h100 x 8 on 32 nodes); try --gpus-per-node=h100:8");
    EXPECT_EQ(verdict(asks(Per::job, "a100", 16)),
              "gpu:a100 is not in partition gpu (has h100 x 8 on 32 nodes); "
              "try --gpus=h100:16")
        << "a100 has only 8";
    EXPECT_EQ(verdict(asks(Per::job, "a100", 8)),
              "gpu:a100 is not in partition gpu (has h100 x 8 on 32 nodes); "
              "try --gpus=h100:8 or --partition=a100");
    EXPECT_EQ(verdict(in(asks(Per::job, "h100", 12), {"a100"})),
              "gpu:h100 is not in partition a100 (has a100 x 4 on 2 nodes); "
              "try --gpus=a100:8 or --partition=gpu or --partition=mixed");
    EXPECT_EQ(verdict(asks(Per::task, "v100", 1)),
              "gpu:v100 is not in partition gpu (has h100 x 8 on 32 nodes); try --gpus-per-task=h100:1");
    EXPECT_EQ(verdict(asks(Per::socket, "v100", 1)),
              "gpu:v100 is not in partition gpu (has h100 x 8 on 32 nodes); try --gpus-per-socket=h100:1");
}

TEST(GpuType, takes_another_case_for_what_was_meant) {
    EXPECT_EQ(verdict(in(asks(Per::node, "H200", 1), {"mixed"})),
              "gpu:H200 is not in partition mixed (has h100 x 4 on 3 nodes, h200 x 4 on 3 nodes); "
              "try --gpus-per-node=h200:1");
}

TEST(GpuType, leaves_a_partition_without_gpus_to_its_own_rule) {
    EXPECT_EQ(verdict(in(asks(Per::node, "a100", 1), {"cpu"})), "accepted");
}

TEST(GpuType, names_all_partitions_of_the_job) {
    EXPECT_EQ(
        verdict(in(asks(Per::node, "v100", 1), {"gpu", "a100", "cpu"})),
        "gpu:v100 is not in partitions gpu, a100 and cpu (have h100 x 8 on 32 nodes, a100 x 4 on 2 nodes); "
        "try --gpus-per-node=h100:1");
}

TEST(GpuType, never_proposes_a_partition_that_is_not_open_to_all) {
    EXPECT_EQ(verdict(asks(Per::node, "gb200", 1)),
              "gpu:gb200 is not in partition gpu (has h100 x 8 on 32 nodes); try --gpus-per-node=h100:1");
}

TEST(GpuType, says_nothing_where_gpus_have_no_type) {
    EXPECT_EQ(verdict(in(asks(Per::node, "h100", 1), {"untyped"})), "accepted");
}

TEST(GpuType, answers_in_the_spelling_of_the_request) {
    auto job = asks(Per::node, "a100", 1);
    job.gpus.items[0].option = NodeOption::gres;
    job.gpus.items[0].spelling = "gres/gpu:a100:1";
    job.gpus.items.push_back({"nic", "", Per::node, 2, "gres/nic:2", NodeOption::gres});
    EXPECT_EQ(verdict(job), "gpu:a100 is not in partition gpu (has h100 x 8 on 32 nodes); "
                            "try --gres=gpu:h100:1,nic:2 or --partition=a100")
        << "one --gres replaces the whole list";
    job.modify = true;
    EXPECT_EQ(verdict(job), "gpu:a100 is not in partition gpu (has h100 x 8 on 32 nodes); "
                            "try gres=gpu:h100:1,nic:2 or partition=a100");

    auto untold = asks(Per::node, "v100", 1);
    untold.gpus.items[0].option = NodeOption::untold;
    EXPECT_EQ(verdict(untold), "gpu:v100 is not in partition gpu (has h100 x 8 on 32 nodes); "
                               "try --gres=none --gpus-per-node=h100:1");
}

TEST(GpuType, proposes_no_more_than_a_node_has) {
    auto job = on(asks(Per::task, "a100", 2), 1);
    job.tasks = 8;
    EXPECT_EQ(verdict(job),
              "gpu:a100 is not in partition gpu (has h100 x 8 on 32 nodes); try --gpus-per-task=h100:1");
}

TEST(GpuType, answers_in_the_spelling_of_tres_per_task_and_of_updates) {
    auto job = asks(Per::task, "a100", 1);
    job.gpus.items[0].option = NodeOption::tres_per_task;
    job.gpus.items[0].beside = "cpu=2,";
    auto proposes = [](const JobRequest& each, const char* option) {
        return verdict(each).find(std::string("; try ") + option + " or ") != std::string::npos;
    };
    EXPECT_TRUE(proposes(job, "--tres-per-task=cpu=2,gres/gpu:h100:1")) << verdict(job);
    auto update = in(asks(Per::task, "a100", 1), {"gpu"});
    update.modify = true;
    EXPECT_TRUE(proposes(update, "trespertask=gres/gpu:h100:1")) << verdict(update);
    update.gpus.items[0].per = Per::job;
    EXPECT_TRUE(proposes(update, "tresperjob=gres/gpu:h100:1")) << verdict(update);
}

} // namespace gpu_type_test
