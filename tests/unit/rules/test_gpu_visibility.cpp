#include "rules/gpu_visibility.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace gpu_visibility_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = gpu_visibility_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(GpuVisibility, warns_of_ranks_that_do_not_see_each_others_gpus) {
    auto job = asks(Per::task, "", 1);
    job.tasks_per_node = 8;
    EXPECT_EQ(verdict(job),
              "--gpus-per-task=1 hides the GPUs of a node's ranks from each other, so that P2P and CUDA IPC "
              "do not work; add --gpu-bind=none, or use --gpus-per-node");
    job.gpu_bind = "verbose,none";
    EXPECT_EQ(verdict(job), "accepted");
    job = on(asks(Per::job, "", 8), 1);
    job.tasks = 8;
    job.tasks_per_gpu = 1;
    EXPECT_EQ(verdict(job).substr(0, 18), "--ntasks-per-gpu=1");
    job.tasks_per_gpu.reset();
    job.gpu_bind = "closest";
    EXPECT_EQ(verdict(job).substr(0, 10), "--gpu-bind");
    job.gpu_bind = "gres/gpu:mask_gpu:0x1,0x2";
    EXPECT_EQ(verdict(job).substr(0, 10), "--gpu-bind");
    job.gpu_bind = "gres/gpu:mask_gpu:0xff,0xff";
    EXPECT_EQ(verdict(job), "accepted") << "they see the same GPUs";
    job = asks(Per::task, "", 1);
    job.tasks_per_node = 8;
    job.gpus.items[0].option = NodeOption::tres_per_task;
    EXPECT_EQ(verdict(job).substr(0, 31), "--tres-per-task=gres/gpu=1 hide");
}

TEST(GpuVisibility, accepts_one_rank_a_node_and_unbound_ones) {
    auto job = on(asks(Per::task, "", 8), 4);
    job.tasks = 4;
    EXPECT_EQ(verdict(job), "accepted");
    job = on(asks(Per::node, "", 8), 4);
    job.tasks_per_node = 8;
    EXPECT_EQ(verdict(job), "accepted");
}

} // namespace gpu_visibility_test
