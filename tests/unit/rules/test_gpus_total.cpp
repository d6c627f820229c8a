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

TEST(GpusTotal, knows_the_most_nodes_of_a_job_where_no_qos_can_lift_it) {
    auto limited = cluster();
    limited.partitions[0].max_nodes = 4;
    EXPECT_EQ(verdict(on({}, 5), limited),
              "5 nodes are more than partition gpu gives to one job (4); try --nodes=4");
    auto range = on({}, 5);
    range.nodes_min = 3;
    EXPECT_EQ(verdict(range, limited),
              "--nodes=3-5 goes beyond what partition gpu gives to one job (4); try --nodes=3-4");
    EXPECT_EQ(verdict(in(range, {"gpu", "mixed"}), limited), "accepted");
    limited.qos_lifts_nodes = true;
    EXPECT_EQ(verdict(on({}, 5), limited), "accepted");
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

TEST(GpusTotal, gives_no_node_to_two_components) {
    auto job = on(asks(Per::node, "h100", 2), 20);
    job.earlier = {on(asks(Per::node, "h100", 2), 12)};
    EXPECT_EQ(verdict(job), "accepted");
    job.earlier[0].nodes_min = 13;
    EXPECT_EQ(verdict(job),
              "2 components on 33 nodes need more nodes than partition gpu has (32), and no node is given "
              "to two of them; ask for fewer nodes in one of them");
    job.earlier[0].partitions = {"gpu", "a100"};
    EXPECT_EQ(verdict(job), "accepted") << "it may start elsewhere";
    job.partitions = {"gpu", "a100"};
    EXPECT_EQ(verdict(job), "accepted");
    job.earlier[0].partitions = {"unknown"};
    EXPECT_EQ(verdict(job), "accepted");
}

TEST(GpusTotal, leaves_a_single_node_to_its_own_rule) {
    EXPECT_EQ(verdict(asks(Per::node, "h100", 9)), "accepted");
    EXPECT_EQ(verdict(asks(Per::node, "a100", 1)), "accepted");
}

} // namespace gpus_total_test
