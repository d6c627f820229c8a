#include "rules/judge.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace partition_limits_test {

TEST(PartitionLimits, ask_each_of_several_partitions) {
    auto limited = cluster();
    limited.partitions[0].max_nodes = 2; // gpu
    limited.partitions[3].min_nodes = 2; // mixed
    auto range = in(on({}, 4), {"gpu", "mixed"});
    range.nodes_min = 1;
    EXPECT_EQ(
        sentence(judge(range, limited, {}).findings.at(0)),
        "1-4 nodes go beyond what partition gpu gives to one job (2), and 1 node is fewer than partition "
        "mixed gives to a job at least (2 nodes); try --nodes=1-2 or --nodes=2-4");
    range.nodes_min = 2;
    EXPECT_FALSE(refuses(judge(range, limited, {}).findings)) << "mixed takes it";
    auto gpu = in(asks(Per::job, "", 1), {"mixed", "cpu"});
    EXPECT_EQ(sentence(judge(gpu, limited, {}).findings.at(0)),
              "gpu:1 is fewer than partition mixed gives to a job at least (2 nodes), and gpu:1 is asked of "
              "partition cpu, which has no GPUs; try --nodes=2 --gpus=2 or --partition=gpu");
    Settings mild;
    ASSERT_TRUE(mild.set_in(Whose::partition, "mixed", Key::submit_rule_gpus_total, "warn",
                            {Origin::Kind::site, "test"}));
    EXPECT_FALSE(refuses(judge(gpu, limited, mild).findings)) << "mixed only warns";
    EXPECT_FALSE(refuses(judge(in(gpu, {"mixed", "a100"}), limited, {}).findings));
    auto odd = in(asks(Per::job, "", 17), {"mixed", "cpu"});
    odd.tasks = 3;
    EXPECT_TRUE(refuses(judge(odd, limited, {}).findings)) << "a warning of the rule uneven is beside it";
}

TEST(PartitionLimits, propose_nothing_that_slurm_would_not_take_either) {
    auto next = [&](const JobRequest& job) { return judge(job, cluster(), {}).findings.at(0).next; };
    auto many = on({}, 33);
    EXPECT_EQ(next(many), "try --nodes=32");
    many.nodelist = "node[1-33]";
    EXPECT_EQ(next(many), "name nodes of this cluster, of which node33 is none");
    many = on({}, 33);
    many.nodelist = "node[1-32],a1";
    EXPECT_EQ(next(many), "ask for less, or name fewer nodes");
    many.nodelist.clear();
    many.features = "[rack1*20&rack2*13]";
    EXPECT_EQ(next(many), "ask for less");
}

TEST(PartitionLimits, propose_no_partition_that_is_down) {
    auto later = asks(Per::node, "a100", 1);
    auto some_down = cluster();
    auto up = std::make_shared<Inventory>(some_down);
    EXPECT_EQ(judge(later, some_down, {}).findings.at(0).next,
              "try --gpus-per-node=h100:1 or --partition=a100");
    up->partitions[1].nodes.clear();
    some_down.up = up;
    EXPECT_EQ(judge(later, some_down, {}).findings.at(0).next, "try --gpus-per-node=h100:1");
}

TEST(PartitionLimits, only_warn_where_a_feature_may_change_the_nodes) {
    auto changing = cluster();
    changing.features_change_nodes = true;
    JobRequest job;
    job.cpus_per_task = 17;
    EXPECT_TRUE(refuses(judge(job, changing, {}).findings));
    job.features = "flat";
    EXPECT_FALSE(refuses(judge(job, changing, {}).findings));
}

TEST(PartitionLimits, are_lifted_by_a_qos_for_its_own_jobs) {
    auto limited = cluster();
    limited.partitions[0].max_nodes = 4;
    limited.partitions[0].max_minutes = 60;
    limited.qos = {{"normal", {}}, {"wide", {.nodes = true}}, {"long", {.time = true}}};
    limited.qos_lifts = {.nodes = true, .time = true};
    auto refused = [&](const std::string& qos) {
        auto job = on({}, 5);
        job.qos = qos;
        return refuses(judge(job, limited, {}).findings);
    };
    EXPECT_TRUE(refused("normal"));
    EXPECT_TRUE(refused("long")) << "it lifts the time only";
    EXPECT_FALSE(refused("wide"));
    EXPECT_FALSE(refused("normal,wide"));
    EXPECT_FALSE(refused("unknown"));
    EXPECT_FALSE(refused("")) << "the default one of its user may lift it";
    auto later = on({}, 1);
    later.time_minutes = 61;
    later.qos = "wide";
    EXPECT_TRUE(refuses(judge(later, limited, {}).findings));
    later.qos = "long";
    EXPECT_FALSE(refuses(judge(later, limited, {}).findings));
}

TEST(PartitionLimits, are_lifted_by_the_default_qos_of_a_user) {
    auto limited = cluster();
    limited.partitions[0].max_nodes = 4;
    limited.qos = {{"normal", {}}, {"wide", {.nodes = true}}};
    limited.qos_lifts = {.nodes = true};
    limited.default_qos = {{1001, {}}, {1002, {.nodes = true}}};
    auto refused = [&](std::uint32_t uid, const std::string& qos) {
        auto job = on({}, 5);
        job.uid = uid;
        job.qos = qos;
        return refuses(judge(job, limited, {}).findings);
    };
    EXPECT_TRUE(refused(1001, ""));
    EXPECT_FALSE(refused(1002, ""));
    EXPECT_FALSE(refused(1003, "")) << "nobody knows hers";
    EXPECT_FALSE(refused(1001, "wide"));
    EXPECT_TRUE(refused(1002, "normal"));
}

TEST(PartitionLimits, hold_for_the_gpus_that_slurm_makes_of_tasks) { // 22.05, 24.11 and 26.05
    JobRequest job;
    job.tasks_per_gpu = 2;
    job.tasks = 8;
    auto said = [&] {
        auto findings = judge(job, cluster(), {}).findings;
        return findings.empty() || findings[0].level != Level::fail ? "accepted" : sentence(findings[0]);
    };
    EXPECT_EQ(said(), "accepted");
    job.nodes_min = job.nodes_max = 1;
    job.tasks = 18;
    EXPECT_EQ(said(),
              "gpu:9 on 1 node is more than any node of partition gpu has (h100 x 8 on 32 nodes); try "
              "--nodes=2");
    job = in({}, {"cpu"});
    job.tasks_per_gpu = 1;
    job.tasks = 4;
    EXPECT_EQ(said(), "gpu:4 of --ntasks-per-gpu is asked of partition cpu, which has no GPUs; try "
                      "--partition=gpu or --partition=a100");
    job = in(job, {"a100"});
    job.tasks = 9;
    EXPECT_EQ(said(), "gpu:9 of --ntasks-per-gpu is more than partition a100 has (a100 x 4 on 2 nodes); try "
                      "--ntasks=8 or --partition=gpu");
}

TEST(PartitionLimits, are_no_way_out_for_so_many_tasks_on_a_node) { // -p am2,min3 -N3 -n2, waits on 22.05
    auto limited = cluster();
    limited.partitions[0].min_nodes = 3;
    auto job = on(in(asks(Per::task, "", 4), {"a100", "gpu"}), 2);
    job.tasks = job.tasks_per_node = 2;
    EXPECT_TRUE(refuses(judge(job, limited, {}).findings));
    limited.partitions[0].min_nodes = 2;
    EXPECT_FALSE(refuses(judge(job, limited, {}).findings));
}

} // namespace partition_limits_test
