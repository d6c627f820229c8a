#include "rules/job_limits.hpp"
#include "rules/node_shape.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

#include <functional>

using namespace railhead;
using namespace railhead::example;

// Each as 22.05, 24.11 and 26.05 were seen to do it, on nodes of 16 CPUs, 32000 MiB and eight GPUs.
namespace job_limits_test {

namespace {

std::string verdict(const JobRequest& job, const std::function<void(Partition&)>& limit) {
    auto inventory = cluster();
    limit(inventory.partitions[0]);
    auto finding = node_shape_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

void memory_per_node(Partition& partition) {
    partition.limits.most_memory = MemoryPer{.mib = 8000};
}

void memory_per_cpu(Partition& partition) {
    partition.limits.most_memory = MemoryPer{.mib = 1000, .cpu = true};
}

} // namespace

TEST(JobLimits, count_the_memory_of_all_cpus_of_a_whole_node) {
    auto anything = [](Partition&) {};
    JobRequest job;
    job.exclusive = true;
    job.memory_per_cpu_mib = 2000;
    EXPECT_EQ(verdict(job, anything), "accepted");
    job.memory_per_cpu_mib = 2001;
    EXPECT_EQ(verdict(job, anything), "--mem-per-cpu=2001M for all CPUs of a node (--exclusive) is more than "
                                      "partition gpu gives of a node (32000 MiB for 16 CPUs); try "
                                      "--mem-per-cpu=2000M");
    job.some_cpus = true;
    EXPECT_EQ(verdict(job, anything), "accepted") << "--hint=nomultithread counts cores";
    job.some_cpus = job.exclusive = false;
    EXPECT_EQ(verdict(job, anything), "accepted");
    EXPECT_EQ(verdict(job, [](Partition& each) { each.whole_nodes = true; }),
              "--mem-per-cpu=2001M for all CPUs of a node (the partition gives whole nodes) is more than "
              "partition gpu gives of a node (32000 MiB for 16 CPUs); try --mem-per-cpu=2000M");
    auto special = cluster();
    for (auto& each : special.classes) each.cpus_for_jobs = 14;
    job.exclusive = true;
    EXPECT_FALSE(node_shape_rule(job, special, special.partitions_of(job))) << "two are specialized";
}

TEST(JobLimits, count_the_gpus_of_each_socket_that_a_job_has) { // 26.05
    auto sockets = cluster();
    for (auto& each : sockets.classes) each.sockets = 2;
    sockets.gpus_on_each_socket = true;
    auto said = [&](const JobRequest& job) {
        auto finding = node_shape_rule(job, sockets, sockets.partitions_of(job));
        return finding ? sentence(*finding) : "accepted";
    };
    auto job = asks(Per::socket, "", 5);
    EXPECT_EQ(said(job), "accepted") << "on one of them";
    job.cpus_per_task = 8;
    EXPECT_EQ(said(job), "accepted");
    job.cpus_per_task = 9;
    EXPECT_EQ(said(job),
              "gpu:5 per socket on 2 sockets of a node (by its CPUs) is more than partition gpu gives "
              "of a node (4 per socket); try --gpus-per-socket=4");
    job.cpus_per_task.reset();
    job.exclusive = true;
    EXPECT_EQ(said(job), "gpu:5 per socket on 2 sockets of a node (--exclusive) is more than partition gpu "
                         "gives of a node (4 per socket); try --gpus-per-socket=4");
    job.gpus.items[0].count = 4;
    EXPECT_EQ(said(job), "accepted");
    job.gpus.items[0].count = 5;
    sockets.gpus_on_each_socket = false;
    EXPECT_EQ(said(job), "accepted");
}

TEST(JobLimits, know_that_unlimited_memory_is_more_than_any_node_has) {
    auto unlimited = [](Partition& each) { each.limits.default_memory = MemoryPer{unlimited_memory, true}; };
    auto job = asks(Per::node, "", 1);
    EXPECT_EQ(verdict(job, unlimited),
              "the default memory of a job is more than partition gpu gives of a node "
              "(DefMemPerNode=UNLIMITED); ask with --mem");
    job.memory_per_gpu_mib = 1000;
    EXPECT_EQ(verdict(job, unlimited),
              "the default memory of a job is more than partition gpu gives of a node "
              "(DefMemPerNode=UNLIMITED); ask with --mem, not --mem-per-gpu");
    job.memory_per_gpu_mib.reset();
    job.memory_per_cpu_mib = 1000;
    EXPECT_EQ(verdict(job, unlimited), "accepted");
}

TEST(JobLimits, know_the_most_memory_of_a_node) {
    JobRequest job;
    job.memory_per_node_mib = 8000;
    EXPECT_EQ(verdict(job, memory_per_node), "accepted");
    job.memory_per_node_mib = 8001;
    EXPECT_EQ(verdict(job, memory_per_node),
              "--mem=8001M is more than partition gpu gives of a node (8000 MiB); try --mem=8000M");
    job.memory_per_node_mib = 0;
    EXPECT_EQ(verdict(job, memory_per_node),
              "all memory of a node (32000 MiB) is more than partition gpu gives of "
              "a node (8000 MiB); try --mem=8000M");
    EXPECT_EQ(verdict(job, [](Partition& each) { each.limits.most_memory = MemoryPer{.mib = 32000}; }),
              "accepted");
    job.memory_per_node_mib.reset();
    job.memory_per_cpu_mib = 2000;
    EXPECT_EQ(verdict(on(job, 1), memory_per_node), "accepted");
    job.tasks = 5;
    EXPECT_EQ(verdict(job, memory_per_node), "accepted") << "on several nodes";
    EXPECT_EQ(verdict(on(job, 1), memory_per_node), "10000 MiB for 5 CPUs are more than partition gpu gives "
                                                    "of a node (8000 MiB); try --mem-per-cpu=1600M");
    job.tasks_per_node = 5;
    EXPECT_NE(verdict(job, memory_per_node), "accepted");
    job.tasks = 3;
    EXPECT_NE(verdict(job, memory_per_node), "accepted") << "--ntasks-per-node at its word";
    job.tasks_per_node.reset();
    job.tasks = 5;
    job.overcommit = true;
    EXPECT_NE(verdict(on(job, 1), memory_per_node), "accepted");
    job.overcommit = false;
    job.tasks = 1;
    job.memory_per_cpu_mib = 501;
    job.exclusive = true;
    EXPECT_EQ(verdict(job, memory_per_node), "8016 MiB for 16 CPUs are more than partition gpu gives of a "
                                             "node (8000 MiB); try --mem-per-cpu=500M");
    auto by_gpu = asks(Per::node, "", 2);
    by_gpu.memory_per_gpu_mib = 4001;
    EXPECT_EQ(verdict(by_gpu, memory_per_node), "accepted") << "Slurm holds it to no limit";
    auto with_gpus = asks(Per::node, "", 8);
    with_gpus.cpus_per_gpu = 1;
    with_gpus.memory_per_cpu_mib = 1001;
    EXPECT_EQ(verdict(with_gpus, memory_per_node), "accepted") << "Slurm does not count the CPUs of GPUs";
}

TEST(JobLimits, know_what_memory_is_the_default) {
    auto usual = [](MemoryPer most, MemoryPer each) {
        return [=](Partition& partition) {
            partition.limits.most_memory = most;
            partition.limits.default_memory = each;
        };
    };
    JobRequest job;
    job.cpus_per_task = 5;
    EXPECT_EQ(verdict(job, usual({8000}, {1600, true})), "accepted");
    EXPECT_EQ(verdict(job, usual({8000}, {2000, true})),
              "10000 MiB for 5 CPUs are more than partition gpu gives of a node (8000 MiB); try --mem=8000M");
    EXPECT_EQ(
        verdict({}, usual({8000}, {9000})),
        "9000 MiB, the default, is more than partition gpu gives of a node (8000 MiB); try --mem=8000M");
}

TEST(JobLimits, count_the_nodes_of_which_all_memory_is_within_the_limit) {
    auto inventory = cluster();
    auto& gpu = inventory.partitions[0];
    gpu.limits.most_memory = MemoryPer{.mib = 8000};
    inventory.classes.push_back(inventory.classes[gpu.class_sizes.begin()->first]);
    inventory.classes.back().memory_mib = 8000;
    gpu.class_sizes[static_cast<std::uint32_t>(inventory.classes.size() - 1)] = 2;
    JobRequest job;
    job.memory_per_node_mib = 0;
    EXPECT_FALSE(above_job_limits(on(job, 2), inventory, gpu));
    EXPECT_TRUE(above_job_limits(on(job, 3), inventory, gpu));
}

TEST(JobLimits, know_the_most_memory_of_a_cpu) {
    JobRequest job;
    job.memory_per_node_mib = 16000;
    EXPECT_EQ(verdict(job, memory_per_cpu), "accepted") << "with all CPUs of a node";
    job.memory_per_node_mib = 16001;
    EXPECT_EQ(verdict(job, memory_per_cpu),
              "--mem=16001M is more than partition gpu gives of a node (16000 MiB); try --mem=16000M");
    job.memory_per_node_mib.reset();
    job.memory_per_cpu_mib = 2000;
    EXPECT_EQ(verdict(job, memory_per_cpu), "accepted") << "Slurm takes two CPUs for it";
    job.cpus_per_task = 8;
    EXPECT_EQ(verdict(job, memory_per_cpu), "accepted");
    job.cpus_per_task = 9;
    EXPECT_EQ(
        verdict(job, memory_per_cpu),
        "--mem-per-cpu=2000M for 9 CPUs is more than partition gpu gives of a node (1000 MiB for each of 16 "
        "CPUs); try --mem-per-cpu=1000M");
    job.memory_per_cpu_mib = 0;
    EXPECT_NE(verdict(job, memory_per_cpu), "accepted") << "all of a node's";
}

TEST(JobLimits, know_the_most_cpus_of_a_node) {
    auto limit = [](Partition& partition) { partition.max_cpus_per_node = 8; };
    JobRequest job;
    job.cpus_per_task = 8;
    EXPECT_EQ(verdict(job, limit), "accepted");
    job.cpus_per_task = 9;
    EXPECT_EQ(verdict(job, limit),
              "9 CPUs are more than partition gpu gives of a node (8); try --cpus-per-task=8");
    job.cpus_per_task.reset();
    job.tasks = 256;
    EXPECT_EQ(verdict(job, limit), "accepted");
    job.tasks = 257;
    EXPECT_EQ(verdict(job, limit),
              "257 tasks are more than the nodes of partition gpu that have what else the job "
              "asks for can take (256 on 32 nodes); try --ntasks=256");
    auto with_gpus = asks(Per::node, "", 8);
    with_gpus.cpus_per_gpu = 2;
    EXPECT_EQ(verdict(with_gpus, limit),
              "16 CPUs are more than partition gpu gives of a node (8); try --cpus-per-gpu=1");
    JobRequest alone;
    alone.exclusive = true;
    EXPECT_EQ(
        verdict(alone, limit),
        "all of a node's CPUs (--exclusive) are more than partition gpu gives of a node (8 CPUs); leave out "
        "--exclusive");
}

TEST(JobLimits, count_all_gpus_of_a_node_that_the_job_has_alone) {
    auto job = asks(Per::node, "", 5);
    job.exclusive = true;
    job.cpus_per_gpu = 2;
    EXPECT_EQ(verdict(job, [](Partition&) {}), "accepted");
    job.cpus_per_gpu = 3;
    EXPECT_EQ(verdict(job, [](Partition&) {}), "--cpus-per-gpu=3 for all 8 GPUs of a node (--exclusive) is "
                                               "more than partition gpu gives of a node (16 "
                                               "CPUs); try --cpus-per-gpu=2");
    job.cpus_per_gpu.reset();
    job.memory_per_gpu_mib = 4001;
    EXPECT_EQ(verdict(job, [](Partition&) {}), "--mem-per-gpu=4001M for all 8 GPUs of a node (--exclusive) "
                                               "is more than partition gpu gives of a node "
                                               "(32000 MiB); try --mem-per-gpu=4000M");
    job.exclusive = false;
    EXPECT_EQ(verdict(job, [](Partition&) {}), "accepted");
    EXPECT_EQ(verdict(job, [](Partition& each) { each.whole_nodes = true; }),
              "--mem-per-gpu=4001M for all 8 GPUs of a node (the partition gives whole nodes) is more than "
              "partition gpu gives of a node (32000 MiB); try --mem-per-gpu=4000M");
}

TEST(JobLimits, count_the_gpus_of_the_type_that_a_job_has_alone) { // each ran on 24.11
    InventoryBuilder builder;
    builder.add_node("n1",
                     {.gres = {{"gpu", "h100", 4}, {"gpu", "1g.10gb", 4}}, .cpus = 16, .memory_mib = 32000});
    builder.add_partition({.name = "gpu", .is_default = true}, {"n1"});
    const auto inventory = builder.take();
    auto said = [&](JobRequest job) {
        job.exclusive = true;
        auto finding = node_shape_rule(job, inventory, inventory.partitions_of(job));
        return finding ? finding->thing : "nothing";
    };
    auto typed = asks(Per::node, "h100", 1), any = asks(Per::node, "", 1);
    typed.cpus_per_gpu = any.cpus_per_gpu = 4;
    EXPECT_EQ(said(typed), "nothing");
    EXPECT_EQ(said(any), "--cpus-per-gpu=4 for all 8 GPUs of a node (--exclusive)");
    typed.cpus_per_gpu = 5;
    EXPECT_EQ(said(typed), "--cpus-per-gpu=5 for all 4 GPUs of a node (--exclusive)");
}

TEST(JobLimits, answer_in_the_tres_per_task_that_asked) {
    auto job = on(asks(Per::task, "h100", 1), 1);
    job.tasks = 2;
    job.cpus_per_task = 9;
    job.gpus.items[0].option = NodeOption::tres_per_task;
    job.gpus.items[0].beside = "cpu=9,";
    auto next = verdict(job, [](Partition&) {});
    EXPECT_EQ(next.substr(next.find("try")), "try --tres-per-task=cpu=8,gres/gpu:h100:1");
}

TEST(JobLimits, know_a_default_that_is_unlimited) { // 22.05 lets it pend, later versions reject it
    auto unlimited = [](Partition& partition) {
        partition.limits.most_memory = MemoryPer{.mib = 8000};
        partition.limits.default_memory = MemoryPer{.mib = unlimited_memory, .cpu = true};
    };
    EXPECT_EQ(verdict(on({}, 1), unlimited), "the default memory, UNLIMITED, is more than partition gpu "
                                             "gives of a node (8000 MiB); try --mem=8000M");
    JobRequest job;
    job.memory_per_node_mib = 4000;
    EXPECT_EQ(verdict(job, unlimited), "accepted");
}

TEST(JobLimits, fill_in_what_each_gpu_gets) {
    auto cpus = [](Partition& partition) { partition.limits.default_cpus_per_gpu = 4; };
    auto memory = [](Partition& partition) { partition.limits.default_memory_per_gpu_mib = 8000; };
    EXPECT_EQ(verdict(asks(Per::node, "", 4), cpus), "accepted");
    EXPECT_EQ(verdict(asks(Per::node, "", 5), cpus),
              "20 CPUs for 5 GPUs (DefCpuPerGPU=4) are more than any node of partition gpu with the GPUs "
              "asked for has (16); try "
              "--cpus-per-gpu=3");
    auto job = asks(Per::node, "", 5);
    job.cpus_per_task = 1;
    EXPECT_EQ(verdict(job, cpus), "accepted");
    auto total = on(asks(Per::job, "", 5), 1);
    EXPECT_NE(verdict(total, cpus), "accepted");
    EXPECT_EQ(verdict(total, memory), "accepted") << "26.05 starts it";
    total.tasks = 1;
    EXPECT_EQ(verdict(total, cpus), "accepted") << "26.05 starts it";
    EXPECT_EQ(verdict(asks(Per::node, "", 4), memory), "accepted");
    job.memory_per_node_mib = 1000;
    EXPECT_EQ(verdict(job, memory), "40000 MiB for 5 GPUs (DefMemPerGPU=8000) are more than any node of "
                                    "partition gpu with the GPUs asked "
                                    "for has (32000 MiB); try --mem-per-gpu=6400M")
        << "--mem does not help";
    auto in_total = on(asks(Per::job, "", 5), 1);
    in_total.memory_per_gpu_mib = 8000;
    EXPECT_EQ(verdict(in_total, [](Partition&) {}), "accepted") << "26.05 starts it";
}

} // namespace job_limits_test
