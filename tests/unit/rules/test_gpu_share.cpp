#include "rules/gpu_share.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace gpu_share_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = gpu_share_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

namespace {

JobRequest one_gpu() {
    return asks(Per::node, "h100", 1);
}

} // namespace

TEST(GpuShare, counts_cpus_however_they_are_asked) { // 16 CPUs and 32000 MiB for 8 GPUs
    auto job = one_gpu();
    job.cpus_per_gpu = 4;
    EXPECT_EQ(verdict(job),
              "4 CPUs for 1 GPU are more than its share of a node of gpu (2 CPUs of 16), so that others "
              "of its GPUs cannot be used; try --cpus-per-gpu=2");
    job = one_gpu();
    job.cpus_per_task = 3;
    EXPECT_NE(verdict(job), "accepted");
    job.cpus_per_task = 2;
    EXPECT_EQ(verdict(job), "accepted");
    job.tasks_per_node = 2;
    EXPECT_NE(verdict(job), "accepted") << "two tasks with two CPUs each";
}

TEST(GpuShare, counts_memory_however_it_is_asked) {
    auto job = one_gpu();
    job.memory_per_node_mib = 4001;
    EXPECT_EQ(verdict(job),
              "4001 MiB for 1 GPU are more than its share of a node of gpu (4000 MiB of 32000), so that "
              "others of its GPUs cannot be used; try --mem=4000M");
    job.memory_per_node_mib = 4000;
    EXPECT_EQ(verdict(job), "accepted");
    job.memory_per_node_mib.reset();
    job.memory_per_gpu_mib = 5000;
    EXPECT_NE(verdict(job), "accepted");
    job.memory_per_gpu_mib.reset();
    job.memory_per_cpu_mib = 4001;
    EXPECT_NE(verdict(job), "accepted");
}

TEST(GpuShare, lowers_memory_no_further_than_fewer_cpus_leave_it) {
    auto job = one_gpu();
    job.cpus_per_task = 4;
    job.memory_per_cpu_mib = 2000;
    EXPECT_TRUE(verdict(job).ends_with("try --cpus-per-task=2")) << verdict(job);
    job.memory_per_cpu_mib = 3000;
    EXPECT_TRUE(verdict(job).ends_with("try --cpus-per-task=2 --mem-per-cpu=2000M")) << verdict(job);
}

TEST(GpuShare, proposes_the_option_that_was_typed) { // sbatch takes no other beside it
    auto next = [](const JobRequest& job) {
        auto text = verdict(job);
        return text.substr(text.find("try "));
    };
    auto job = asks(Per::job, "", 1);
    job.cpus_per_task = 16;
    EXPECT_EQ(next(job), "try --cpus-per-task=2") << "one GPU is on one node";
    job.cpus_per_task.reset();
    job.tasks = 3;
    EXPECT_EQ(next(job), "try --ntasks=2");
    job.tasks.reset();
    job.memory_per_node_mib = 0;
    EXPECT_EQ(
        verdict(job),
        "32000 MiB for 1 GPU are more than its share of a node of gpu (4000 MiB of 32000), so that others "
        "of its GPUs cannot be used; try --mem=4000M");
    job.memory_per_node_mib.reset();
    job.memory_per_cpu_mib = 5000;
    job.cpus_per_task = 4;
    EXPECT_EQ(next(job), "try --cpus-per-task=2 --mem-per-cpu=2000M") << "both are above";
}

TEST(GpuShare, leaves_alone_who_takes_all_or_nothing) {
    auto all = asks(Per::node, "h100", 8);
    all.cpus_per_task = 16;
    EXPECT_EQ(verdict(all), "accepted");
    auto exclusive = one_gpu();
    exclusive.cpus_per_task = 16;
    exclusive.exclusive = true;
    EXPECT_EQ(verdict(exclusive), "accepted");
    JobRequest none;
    none.cpus_per_task = 16;
    EXPECT_EQ(verdict(none), "accepted");
    auto huge = asks(Per::task, "h100", UINT64_MAX);
    huge.tasks_per_node = 4;
    EXPECT_EQ(verdict(huge), "accepted");
}

} // namespace gpu_share_test
