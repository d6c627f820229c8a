#include "rules/node_shape.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace node_shape_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory) {
    auto finding = node_shape_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

std::string verdict(const JobRequest& job) {
    static const auto inventory = cluster();
    return verdict(job, inventory);
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
    auto typed = job;
    typed.gpus.items.clear();
    typed.partitions = {"gpu"};
    typed.cpus_by_tres = true;
    EXPECT_EQ(verdict(typed), "17 CPUs per task are more than any node of partition gpu has (16); "
                              "try --tres-per-task=cpu=16")
        << "sbatch knows one of the two options only";
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
              "(16); try --cpus-per-gpu=2");
    JobRequest many;
    many.tasks_per_node = 17;
    EXPECT_EQ(verdict(in(many, {"cpu"})),
              "17 CPUs for 17 tasks are more than any node of partition cpu has (16); "
              "try --ntasks-per-node=16");
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

TEST(NodeShape, leaves_specialized_cpus_to_the_system) { // CoreSpecCount, 24.11
    auto inventory = cluster();
    for (auto& each : inventory.classes) each.cpus_for_jobs = each.cpus - 2;
    auto job = asks(Per::node, "h100", 1);
    job.cpus_per_task = 14;
    EXPECT_EQ(verdict(job, inventory), "accepted");
    job.cpus_per_task = 15;
    EXPECT_EQ(verdict(job, inventory), "15 CPUs per task are more than any node of partition gpu with the "
                                       "GPUs asked for has (14); try --cpus-per-task=14");
    job.core_spec = true; // may lift it, where AllowSpecResourcesUsage is set
    EXPECT_EQ(verdict(job, inventory), "accepted");
}

TEST(NodeShape, counts_the_threads_of_a_core_that_the_job_uses) {
    auto inventory = cluster();
    for (auto& each : inventory.classes) each.threads = 2;
    auto job = on(asks(Per::node, "h100", 1), 1);
    job.threads_per_core = 1; // and --hint=nomultithread
    job.tasks = 8;
    EXPECT_EQ(verdict(job, inventory), "accepted");
    job.tasks = 9;
    EXPECT_EQ(verdict(job, inventory),
              "9 CPUs for 9 tasks are more than any node of partition gpu with the GPUs asked for has (8, "
              "with 1 thread of each core); try --nodes=2 or --ntasks=8");
    job.threads_per_core = 2;
    EXPECT_EQ(verdict(job, inventory), "accepted");
    job.threads_per_core.reset();
    job.tasks_per_core = 1;
    EXPECT_EQ(verdict(job, inventory), "9 tasks on a node are more than --ntasks-per-core=1 allows on any "
                                       "node of partition gpu with the GPUs asked for (8); ask for fewer "
                                       "tasks or more nodes");
    job.tasks_per_core = 2;
    EXPECT_EQ(verdict(job, inventory), "accepted");
    job.tasks_per_socket = 4;
    for (auto& each : inventory.classes) each.sockets = 2;
    EXPECT_EQ(verdict(job, inventory).substr(0, 53), "9 tasks on a node are more than --ntasks-per-socket=4");
    job.tasks_per_socket = 5;
    job.tasks = 12;
    EXPECT_EQ(verdict(job, inventory), "accepted") << "whole cores, of two threads each";
    job.tasks = 13;
    EXPECT_NE(verdict(job, inventory), "accepted");
    job.nodes_max.reset();
    EXPECT_EQ(verdict(job, inventory), "accepted") << "they may spread";
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
    job.nodelist = "a1";
    EXPECT_EQ(verdict(job),
              "a1 is named in --nodelist, and is not in partition gpu; try --partition=a100 or leave it out");
    EXPECT_EQ(verdict(in(job, {"gpu", "a100"})),
              "a1 is named in --nodelist, and is no node of partitions gpu and a100 with the GPUs asked for "
              "that has what the job asks of a node; leave it out, or ask less")
        << "its GPUs are no h100";
    job.nodelist = "node1,a1";
    EXPECT_EQ(verdict(in(job, {"gpu", "a100"})),
              "--nodelist=node1,a1 names nodes that no one of partitions gpu and a100 has all of; "
              "name nodes of one of them");
    EXPECT_EQ(verdict(on(job, 2)).substr(0, 22), "a1 is named in --nodel");
    EXPECT_EQ(verdict(on(job, 1)), "accepted") << "-N1 -w node1,a1 ran on node1 (24.11)";
}

TEST(NodeShape, knows_the_features_of_the_nodes) {
    auto job = in(asks(Per::node, "h100", 8), {"featured"});
    auto with = [&](const std::string& features, std::uint32_t nodes) {
        auto asked = on(job, nodes);
        asked.features = features;
        return verdict(asked);
    };
    EXPECT_EQ(with("ib", 5), "accepted");
    EXPECT_EQ(with("ib", 6),
              "6 nodes are more than --constraint=\"ib\" of partition featured leaves (5); try --nodes=5");
    EXPECT_EQ(
        with("ib&nvme", 1),
        "--constraint=\"ib&nvme\" is met by no node of partition featured with the GPUs asked for; choose "
        "of the features there: ib, nvme, rack1, rack2");
    EXPECT_EQ(with("rack1|rack2", 5), "accepted");
    EXPECT_EQ(with("[rack1|rack2]", 3), "accepted");
    EXPECT_EQ(with("[rack1|rack2]", 4),
              "4 nodes are more than --constraint=\"[rack1|rack2]\" of partition featured leaves (3); try "
              "--nodes=3");
    EXPECT_EQ(with("rack1*2&rack2*4", 6), "accepted") << "not judged";
    job.nodelist = "f6";
    EXPECT_EQ(with("ib", 1),
              "f6 is named in --nodelist, and is no node of partition featured with the GPUs asked for that "
              "has what the job asks of a node; leave it out, or ask less");
    auto plain = asks(Per::node, "h100", 8);
    plain.features = "ib";
    EXPECT_EQ(
        verdict(plain),
        "--constraint=\"ib\" is met by no node of partition gpu with the GPUs asked for; leave it out, no "
        "feature is configured there");
}

TEST(NodeShape, knows_the_nodes_of_the_reservation) {
    auto job = asks(Per::node, "h100", 8);
    job.reservation = "two";
    EXPECT_EQ(verdict(on(job, 2)), "accepted");
    EXPECT_EQ(verdict(on(job, 3)),
              "3 nodes are more than reservation two gives of partition gpu with the GPUs asked for (2); try "
              "--nodes=2");
    EXPECT_EQ(verdict(in(on(job, 1), {"cpu", "gpu"})), "accepted");
    job.gpus.items.clear();
    EXPECT_EQ(verdict(in(job, {"cpu"})),
              "1 node is more than reservation two gives of partition cpu (0); leave out --reservation");
    job.exclude = "node2";
    EXPECT_EQ(
        verdict(on(job, 2)),
        "2 nodes are more than partition gpu can give with what the job asks of each (1); try --nodes=1");
    job = on(asks(Per::node, "h100", 8), 3);
    job.reservation = "free";
    EXPECT_EQ(verdict(job), "accepted");
}

TEST(NodeShape, adds_up_what_the_usable_nodes_hold) {
    auto job = asks(Per::job, "h100", 17);
    job.reservation = "two";
    EXPECT_EQ(verdict(job),
              "gpu:h100:17 is more than the nodes of partition gpu that have what else the job asks for hold "
              "(16 on 2 nodes); try --gpus=h100:16");
    JobRequest tasks;
    tasks.tasks = 10;
    tasks.cpus_per_task = 5;
    EXPECT_EQ(verdict(in(tasks, {"a100"})),
              "10 tasks of 5 CPUs are more than the nodes of partition a100 that have what else the job asks "
              "for can take (6 on 2 nodes); try --ntasks=6");
    tasks.tasks = 6;
    EXPECT_EQ(verdict(in(tasks, {"a100"})), "accepted");
    tasks.tasks = 10;
    tasks.overcommit = true;
    EXPECT_EQ(verdict(in(tasks, {"a100"})), "accepted");
}

TEST(NodeShape, takes_tasks_per_node_at_its_word_beside_gpus_per_task) { // 22.05, 24.11 and 26.05
    auto job = asks(Per::task, "", 1);
    job.tasks = job.tasks_per_node = 4;
    job.cpus_per_task = 4;
    EXPECT_EQ(verdict(job), "accepted");
    job.cpus_per_task = 5;
    EXPECT_EQ(verdict(job),
              "20 CPUs for 4 tasks are more than any node of partition gpu with the GPUs asked for "
              "has (16); try --cpus-per-task=4");
    job.gpus.items[0].per = Per::node;
    EXPECT_EQ(verdict(job), "accepted") << "on several nodes";
}

TEST(NodeShape, counts_memory_for_whole_cores) { // 22.05, 24.11 and 26.05
    auto threaded = cluster();
    for (auto& each : threaded.classes) each.threads = 2;
    threaded.counts_cores = true;
    auto said = [&](const JobRequest& job) {
        auto finding = node_shape_rule(job, threaded, threaded.partitions_of(job));
        return finding ? sentence(*finding) : "accepted";
    };
    JobRequest job;
    job.memory_per_cpu_mib = 16000;
    EXPECT_EQ(said(job), "accepted");
    job.memory_per_cpu_mib = 16001;
    EXPECT_EQ(said(job),
              "32002 MiB for 2 CPUs of whole cores are more than any node of partition gpu has (32000 "
              "MiB); try --mem-per-cpu=16000M or fewer CPUs on a node");
    job.some_cpus = true;
    EXPECT_EQ(said(job), "accepted") << "--threads-per-core=1";
    job.some_cpus = false;
    job.memory_per_cpu_mib = 8001;
    job.cpus_per_task = 3;
    EXPECT_NE(said(job), "accepted");
    threaded.counts_cores = false;
    EXPECT_EQ(said(job), "accepted");
}

TEST(NodeShape, counts_memory_by_cpu_and_by_gpu) {
    auto job = asks(Per::node, "h100", 8);
    job.cpus_per_task = 16;
    job.memory_per_cpu_mib = 2001;
    EXPECT_EQ(verdict(job),
              "32016 MiB for 16 CPUs are more than any node of partition gpu with the GPUs asked for has "
              "(32000 MiB); try --mem-per-cpu=2000M or fewer CPUs on a node");
    job.memory_per_cpu_mib = 2000;
    EXPECT_EQ(verdict(job), "accepted");
    job.memory_per_cpu_mib.reset();
    job.memory_per_gpu_mib = 4001;
    EXPECT_EQ(
        verdict(job),
        "32008 MiB for 8 GPUs are more than any node of partition gpu with the GPUs asked for has (32000 "
        "MiB); try --mem-per-gpu=4000M");
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

TEST(NodeShape, proposes_memory_for_all_threads_of_the_cores) { // 24.11 counts 16 CPUs here
    auto threaded = cluster();
    for (auto& each : threaded.classes) each.threads = 2;
    JobRequest job = on({}, 1);
    job.cpus_per_task = 15;
    job.memory_per_cpu_mib = 2134;
    auto next = node_shape_rule(job, threaded, threaded.partitions_of(job))->next;
    EXPECT_EQ(next, "try --mem-per-cpu=2000M or fewer CPUs on a node");
}

TEST(NodeShape, knows_types_that_are_on_different_nodes) { // rejected by 22.05, 24.11 and 26.05
    InventoryBuilder builder;
    for (const auto* name : {"h1", "h2"}) builder.add_node(name, {.gres = {{"gpu", "h100", 8}}, .cpus = 16});
    for (const auto* name : {"a1", "a2"}) builder.add_node(name, {.gres = {{"gpu", "a100", 4}}, .cpus = 16});
    builder.add_node("b1", {.gres = {{"gpu", "h100", 4}, {"gpu", "a100", 4}}, .cpus = 16});
    builder.add_partition({.name = "mix"}, {"h1", "h2", "a1", "a2"});
    builder.add_partition({.name = "all"}, {"h1", "h2", "a1", "a2", "b1"});
    auto inventory = builder.take();
    auto verdict = [&](const JobRequest& job) {
        auto finding = node_shape_rule(job, inventory, inventory.partitions_of(job));
        return finding ? sentence(*finding) : "accepted";
    };
    auto both = in(asks(Per::job, "h100", 8), {"mix"});
    both.gpus.items.push_back({"gpu", "a100", Per::job, 4, ""});
    EXPECT_EQ(
        verdict(both),
        "gpu:h100:8 and gpu:a100:4 are together on no node of partition mix, and each node of a job has "
        "some of all that it asks for; ask for one type, or one component for each (a heterogeneous "
        "job, \":\")");
    EXPECT_EQ(verdict(in(on(both, 2), {"all"})).substr(0, 61),
              "gpu:h100:8 and gpu:a100:4 are together on 1 node of partition");
    both.gpus.items[0].count = both.gpus.items[1].count = 4;
    EXPECT_EQ(verdict(in(both, {"all"})), "accepted");
    auto tasks = both;
    for (auto& item : tasks.gpus.items) item.per = Per::task;
    EXPECT_EQ(verdict(tasks), "accepted") << "24.11 runs it";
}

} // namespace node_shape_test
