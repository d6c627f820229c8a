#include "rules/gpus_total.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace gpus_total_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = gpus_total_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(GpusTotal, accepts_what_the_partition_has) {
    EXPECT_EQ(verdict(asks(Per::job, "", 256)), "accepted");
    EXPECT_EQ(verdict(on(asks(Per::node, "h100", 8), 32)), "accepted");
    EXPECT_EQ(
        verdict(in(asks(Per::job, "", 300), {"a100", "gpu"})),
        "gpu:300 is more than partitions a100 and gpu have (h100 x 8 on 32 nodes, a100 x 4 on 2 nodes); "
        "try --gpus=256");
}

TEST(GpusTotal, refuses_more_gpus_or_nodes_than_there_are) {
    EXPECT_EQ(verdict(asks(Per::job, "", 257)),
              "gpu:257 is more than partition gpu has (h100 x 8 on 32 nodes); try --gpus=256");
    EXPECT_EQ(verdict(on({}, 33)), "33 nodes are more than partition gpu has (32); try --nodes=32");
    EXPECT_EQ(verdict(in(on(asks(Per::node, "h200", 4), 3), {"mixed"})), "accepted");
    EXPECT_EQ(verdict(in(asks(Per::job, "h200", 13), {"mixed"})),
              "gpu:h200:13 is more than partition mixed has (h200 x 4 on 3 nodes); try --gpus=h200:12");
}

TEST(GpusTotal,
     leaves_the_gpus_of_a_task_on_one_node) { // -n9 --gpus-per-task=3 on 4 x 8 is rejected by all versions
    auto job = asks(Per::task, "", 3);
    job.tasks = 64;
    EXPECT_EQ(verdict(job), "accepted") << "two on each node";
    job.tasks = 65;
    EXPECT_EQ(verdict(job),
              "gpu:3 per task is more than partition gpu has (h100 x 8 on 32 nodes); try --ntasks=64");
    job = asks(Per::task, "", 5);
    job.tasks = 33;
    EXPECT_EQ(verdict(job),
              "gpu:5 per task is more than partition gpu has (h100 x 8 on 32 nodes); try --ntasks=32");
    job = asks(Per::task, "", 2);
    job.tasks = 128;
    EXPECT_EQ(verdict(job), "accepted");
}

TEST(GpusTotal, knows_the_most_nodes_of_a_job_where_no_qos_can_lift_it) {
    auto limited = cluster();
    limited.partitions[0].max_nodes = 4;
    EXPECT_EQ(verdict(on({}, 5), limited),
              "5 nodes are more than partition gpu gives to one job (4); try --nodes=4");
    auto range = on({}, 5);
    range.nodes_min = 3;
    EXPECT_EQ(verdict(range, limited),
              "3-5 nodes go beyond what partition gpu gives to one job (4); try --nodes=3-4");
    EXPECT_EQ(verdict(in(range, {"gpu", "mixed"}), limited), "accepted");
    limited.qos_lifts.nodes = true;
    EXPECT_EQ(verdict(on({}, 5), limited), "accepted");
}

TEST(GpusTotal, counts_the_gpus_of_so_many_nodes_as_a_job_may_have) { // rejected by 22.05, 24.11 and 26.05
    auto limited = cluster();
    limited.partitions[0].max_nodes = 2;
    EXPECT_EQ(verdict(asks(Per::job, "", 16), limited), "accepted");
    EXPECT_EQ(verdict(asks(Per::job, "", 17), limited),
              "gpu:17 is more than partition gpu gives (h100 x 8 on 32 nodes, at most 2 nodes for a job); "
              "try --gpus=16 or --partition=mixed");
    auto tasks = asks(Per::task, "", 1);
    tasks.tasks = 17;
    EXPECT_EQ(verdict(tasks, limited),
              "gpu:1 per task is more than partition gpu gives (h100 x 8 on 32 nodes, at most 2 "
              "nodes for a job); try --ntasks=16 or --partition=mixed");
    EXPECT_EQ(verdict(in(asks(Per::job, "", 17), {"gpu", "mixed"}), limited), "accepted");
    limited.qos_lifts.nodes = true;
    EXPECT_EQ(verdict(asks(Per::job, "", 17), limited), "accepted");
}

TEST(GpusTotal, adds_up_the_components_of_a_heterogeneous_job) {
    auto job = on(asks(Per::node, "h100", 8), 20);
    job.earlier = {on(asks(Per::node, "h100", 8), 12)};
    EXPECT_EQ(verdict(job), "accepted");
    job.earlier.push_back(asks(Per::job, "", 1));
    EXPECT_EQ(
        verdict(job),
        "gpu:257 of components 0 to 2 together is more than their partitions have (256), and they start "
        "together or not at all; ask for less in one of them");
    job.earlier = {in(asks(Per::job, "a100", 8), {"a100"})};
    EXPECT_EQ(verdict(job), "accepted");
    job.earlier = {on(asks(Per::node, "h100", 8), 13), in(asks(Per::job, "", 0), {"a100"})};
    EXPECT_EQ(verdict(job),
              "gpu:h100:264 of components 0 to 2 together is more than their partitions have (256), and they "
              "start together or not at all; ask for less in one of them")
        << "the GPUs of another type do not help";
    job.earlier[0].partitions = {"unknown"};
    EXPECT_EQ(verdict(job), "accepted");
}

TEST(GpusTotal, counts_the_gpus_of_a_component_once_however_often_they_are_said) { // each ran on 24.11
    auto said_twice = on(asks(Per::job, "", 128), 16); // --gpus=128 --gpus-per-node=8
    said_twice.gpus.items.push_back(asks(Per::node, "", 8).gpus.items[0]);
    auto job = on(asks(Per::node, "", 8), 16);
    job.earlier = {said_twice};
    EXPECT_EQ(verdict(job), "accepted");
    auto by_tasks = said_twice; // --gpus-per-task=1 -n128, too
    by_tasks.tasks = 128;
    by_tasks.gpus.items.push_back(asks(Per::task, "", 1).gpus.items[0]);
    job.earlier = {by_tasks};
    EXPECT_EQ(verdict(job), "accepted");
    std::swap(job, said_twice);
    job.earlier = {said_twice};
    EXPECT_EQ(verdict(job), "accepted");
    job.nodes_min = job.nodes_max = 17;
    job.gpus.items[0].count = 136;
    EXPECT_EQ(verdict(job).substr(0, 36), "gpu:264 of components 0 to 1 togethe");
}

TEST(GpusTotal, gives_no_node_to_two_components) {
    auto job = on(asks(Per::node, "h100", 2), 20);
    job.earlier = {on(asks(Per::node, "h100", 2), 12)};
    EXPECT_EQ(verdict(job), "accepted");
    job.earlier[0].nodes_min = 13;
    EXPECT_EQ(verdict(job),
              "2 components on 33 nodes need more nodes than partition gpu has for them (32), and no node is "
              "given to two of them; ask for fewer nodes in one of them");
    job.earlier[0].partitions = {"gpu", "a100"};
    EXPECT_NE(verdict(job), "accepted") << "no node of a100 has an h100";
    job.earlier[0].gpus.items[0].type = "";
    EXPECT_EQ(verdict(job), "accepted") << "it may start elsewhere";
    job.partitions = {"gpu", "a100"};
    EXPECT_EQ(verdict(job), "accepted");
    job.earlier[0].partitions = {"unknown"};
    EXPECT_EQ(verdict(job), "accepted");
}

TEST(GpusTotal, knows_components_whose_partitions_share_nodes) { // each pends on an idle cluster
    InventoryBuilder builder;
    for (const auto* name : {"n1", "n2", "n3"}) builder.add_node(name, {.gres = {{"gpu", "h100", 8}}});
    builder.add_node("c1", {});
    builder.add_partition({.name = "gpu", .is_default = true}, {"n1", "n2", "n3"});
    builder.add_partition({.name = "one"}, {"n1", "c1"});
    builder.add_partition({.name = "all"}, {"n1", "n2", "n3", "c1"});
    auto inventory = builder.take();
    auto wide = on(asks(Per::node, "", 1), 3), narrow = in(asks(Per::node, "h100", 1), {"one"});
    for (auto [job, earlier] : {std::pair(wide, narrow), std::pair(narrow, wide)}) {
        job.earlier = {earlier};
        EXPECT_EQ(
            verdict(job, inventory),
            "2 components on 4 nodes need more nodes than partition gpu has for them (3), and no node is "
            "given to two of them; ask for fewer nodes in one of them");
        job.nodes_min = job.earlier[0].nodes_min = 1;
        EXPECT_EQ(verdict(job, inventory), "accepted");
    }
    auto job = in(on({}, 4), {"all"}); // two of them are within the third
    job.earlier = {on(asks(Per::node, "", 1), 2), narrow};
    EXPECT_EQ(verdict(job, inventory),
              "3 components on 7 nodes need more nodes than partition all has for them (4), and no node is "
              "given to two of them; ask for fewer nodes in one of them");
}

TEST(GpusTotal, knows_the_least_nodes_of_a_job) {
    auto limited = cluster();
    limited.partitions[0].min_nodes = 2;
    EXPECT_EQ(
        verdict(on({}, 1), limited),
        "1 node is fewer than partition gpu gives to a job at least (2 nodes); try --nodes=2 or else ask for "
        "at least 2 nodes");
    EXPECT_EQ(verdict({}, limited), "accepted") << "it gets two";
    EXPECT_EQ(verdict(in(on({}, 1), {"gpu", "mixed"}), limited), "accepted");
    auto update = in(on({}, 1), {"gpu"});
    update.modify = true;
    EXPECT_EQ(verdict(update, limited), "1 node is fewer than partition gpu gives to a job at least (2 "
                                        "nodes); try numnodes=2 or else ask for "
                                        "at least 2 nodes");
    EXPECT_EQ(verdict(asks(Per::job, "h100", 2), limited), "accepted");
    EXPECT_EQ(
        verdict(asks(Per::job, "h100", 1), limited),
        "gpu:h100:1 is fewer than partition gpu gives to a job at least (2 nodes); try --gpus=h100:2 or else "
        "ask for at least 2 nodes")
        << "each node has one";
    limited.qos_lifts.min_nodes = true;
    EXPECT_EQ(verdict(on({}, 1), limited), "accepted");
}

TEST(GpusTotal, leaves_a_single_node_to_its_own_rule) {
    EXPECT_EQ(verdict(asks(Per::node, "h100", 9)), "accepted");
    EXPECT_EQ(verdict(asks(Per::node, "a100", 1)), "accepted");
}

TEST(GpusTotal, raises_all_that_keeps_a_job_on_too_few_nodes) {
    auto limited = cluster();
    limited.partitions[0].min_nodes = 2;
    auto job = asks(Per::job, "", 1);
    job.tasks = 1;
    EXPECT_EQ(
        verdict(job, limited),
        "gpu:1 is fewer than partition gpu gives to a job at least (2 nodes); try --ntasks=2 --gpus=2 or "
        "else ask for at least 2 nodes");
    auto one = on({}, 1); // -N1-1 -n1, or -N2 -n1, of which sbatch makes it
    one.tasks = 1;
    EXPECT_EQ(
        verdict(one, limited),
        "1 node is fewer than partition gpu gives to a job at least (2 nodes); try --nodes=2 --ntasks=2 or "
        "else ask for at least 2 nodes");
    limited.partitions[0].min_nodes = 4;
    auto range = on({}, 3);
    range.nodes_min = 1;
    EXPECT_EQ(verdict(range, limited).substr(0, 25), "1-3 nodes are fewer than ");
}

TEST(GpusTotal, knows_that_several_partitions_raise_a_job_to_the_least_of_them) { // 22.05, 24.11, 26.05
    auto limited = cluster();
    limited.partitions[0].min_nodes = 3;
    auto alone = [&](const JobRequest& job) {
        auto finding = gpus_total_rule(job, limited, {&limited.partitions[0]});
        return finding ? sentence(*finding) : "accepted";
    };
    auto range = in(on({}, 4), {"gpu", "a100"});
    range.nodes_min = 1;
    EXPECT_EQ(alone(range),
              "1 node is fewer than partition gpu gives to a job at least (3 nodes); try --nodes=3-4 "
              "or else ask for at least 3 nodes");
    limited.partitions[1].min_nodes = 2;
    EXPECT_EQ(alone(range).substr(0, 8), "2 nodes ");
    range.nodes_min = 3;
    EXPECT_EQ(alone(range), "accepted");
    range.nodes_min = 1;
    EXPECT_EQ(alone(in(range, {"gpu"})), "accepted") << "one partition raises it to its own";
    limited.partitions[1].min_nodes = 3;
    EXPECT_EQ(alone(range), "accepted");
}

TEST(GpusTotal, leaves_out_what_a_component_excludes) {
    auto job = on(asks(Per::node, "h100", 2), 20);
    job.earlier = {on(asks(Per::node, "h100", 2), 12)};
    job.exclude = job.earlier[0].exclude = "node[1-2],other";
    EXPECT_EQ(verdict(job),
              "2 components on 32 nodes need more nodes than partition gpu has for them (30), and no node is "
              "given to two of them; ask for fewer nodes in one of them");
    job.exclude = "";
    EXPECT_EQ(verdict(job), "accepted") << "it may have them";
}

} // namespace gpus_total_test
