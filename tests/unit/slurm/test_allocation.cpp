#include "slurm/allocation.hpp"

#include <gmock/gmock.h>

using railhead::allocation_from;
using railhead::Environment;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

using Variables = std::map<std::string, std::string>;

Variables ordinary_job() {
    return {
        {"SLURM_JOB_ID", "42"}, {"SLURM_JOB_NODELIST", "node[1-3]"}, {"SLURM_JOB_CPUS_PER_NODE", "16(x2),8"}};
}

Variables heterogeneous_job() {
    return {{"SLURM_JOB_ID", "50"},
            {"SLURM_HET_SIZE", "2"},
            {"SLURM_JOB_NODELIST", "node1"},
            {"SLURM_JOB_NODELIST_HET_GROUP_0", "node1"},
            {"SLURM_JOB_CPUS_PER_NODE_HET_GROUP_0", "4"},
            {"SLURM_JOB_NODELIST_HET_GROUP_1", "big[1-2]"},
            {"SLURM_JOB_CPUS_PER_NODE_HET_GROUP_1", "64(x2)"}};
}

Variables with(Variables variables, const Variables& more) {
    for (const auto& [name, value] : more) variables[name] = value;
    return variables;
}

railhead::Allocation read(const Variables& variables) {
    auto allocation = allocation_from(Environment(variables));
    EXPECT_TRUE(allocation) << sentence(allocation.error());
    return allocation.value_or(railhead::Allocation{});
}

std::string refusal_of(const Variables& variables) {
    auto allocation = allocation_from(Environment(variables));
    return allocation ? "accepted" : sentence(allocation.error());
}

} // namespace

TEST(Allocation, reads_an_ordinary_job) {
    auto job =
        read(with(ordinary_job(), {{"SLURM_RESTART_COUNT", "2"}, {"SLURM_JOB_END_TIME", "1790000000"}}));
    EXPECT_EQ(job.job_id, "42");
    EXPECT_EQ(job.restart_count, 2);
    EXPECT_EQ(job.end_time, 1790000000);
    EXPECT_FALSE(job.array);
    EXPECT_EQ(job.container, "");
    EXPECT_EQ(read(with(ordinary_job(), {{"SLURM_CONTAINER", "/images/torch"}})).container, "/images/torch");
    ASSERT_EQ(job.components.size(), 1u);
    EXPECT_THAT(job.components[0].nodes, ElementsAre("node1", "node2", "node3"));
    EXPECT_THAT(job.components[0].cpus, ElementsAre(16, 16, 8));
    EXPECT_FALSE(job.components[0].het_group);
}

TEST(Allocation, names_the_array_task) {
    auto job = read(with(ordinary_job(), {{"SLURM_ARRAY_JOB_ID", "40"}, {"SLURM_ARRAY_TASK_ID", "3"}}));
    EXPECT_EQ(job.array, "40_3");
    EXPECT_EQ(job.job_id, "42");
}

TEST(Allocation, reads_every_component_of_a_heterogeneous_job) {
    auto job = read(heterogeneous_job());
    ASSERT_EQ(job.components.size(), 2u);
    EXPECT_THAT(job.nodes(), ElementsAre("node1", "big1", "big2"));
    EXPECT_EQ(job.components[1].het_group, 1);
    EXPECT_THAT(job.components[1].cpus, ElementsAre(64, 64));
}

TEST(Allocation, reads_the_older_names_that_srun_alone_sets_for_a_heterogeneous_job) {
    auto job = read({{"SLURM_JOB_ID", "1"},
                     {"SLURM_HET_SIZE", "2"},
                     {"SLURM_JOB_NODELIST", "node[1,3-4]"},
                     {"SLURM_JOB_CPUS_PER_NODE", "1(x3)"},
                     {"SLURM_JOB_NODELIST_PACK_GROUP_0", "node1"},
                     {"SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0", "1"},
                     {"SLURM_JOB_NODELIST_PACK_GROUP_1", "node[3-4]"},
                     {"SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_1", "1(x2)"},
                     {"SLURM_STEP_ID", "0"},
                     {"SLURM_PROCID", "2"}});
    ASSERT_EQ(job.components.size(), 2u);
    EXPECT_THAT(job.nodes(), ElementsAre("node1", "node3", "node4"));
    EXPECT_EQ(job.step_task, 2);
}

TEST(Allocation, tells_a_step_of_srun_from_a_batch_script_and_a_shell) {
    struct Case {
        const char* what;
        Variables more;
        std::optional<int> task;
    };
    const Case cases[] = {
        {"salloc's shell", {}, std::nullopt},
        {"a batch script", {{"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"}}, std::nullopt},
        {"a batch script with the batch step's number",
         {{"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "4294967291"}},
         std::nullopt},
        {"a batch script of 26.05", {{"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "-5"}}, std::nullopt},
        {"an interactive step", {{"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "4294967290"}}, std::nullopt},
        {"task 0 of a step", {{"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "0"}}, 0},
        {"task 3 of a step", {{"SLURM_PROCID", "3"}, {"SLURM_STEP_ID", "7"}}, 3},
    };
    for (const auto& each : cases) {
        auto job = read(with(ordinary_job(), each.more));
        EXPECT_EQ(job.step_task, each.task) << each.what;
        EXPECT_EQ(job.step_id.has_value(), each.task.has_value()) << each.what;
    }
}

TEST(Allocation, leaves_unknown_cpus_unknown) {
    auto job = read({{"SLURM_JOB_ID", "1"}, {"SLURM_JOB_NODELIST", "a"}});
    EXPECT_THAT(job.components.at(0).cpus, IsEmpty());
}

TEST(Allocation, names_the_variable_that_is_missing_or_unreadable) {
    EXPECT_EQ(refusal_of({}),
              "SLURM_JOB_ID is not set; run this inside a job: sbatch, salloc or srun start one");
    EXPECT_EQ(refusal_of({{"SLURM_JOB_ID", "x"}}),
              "SLURM_JOB_ID is \"x\" (expected a number from 0 to 4294967295)");
    EXPECT_EQ(refusal_of({{"SLURM_JOB_ID", "1"}}),
              "SLURM_JOB_NODELIST is not set; run this inside a job: sbatch, salloc or srun set it");
    EXPECT_EQ(refusal_of(with(ordinary_job(), {{"SLURM_JOB_NODELIST", "n[1"}})),
              "SLURM_JOB_NODELIST: character 4: host list \"n[1\" has no closing ]");
    EXPECT_EQ(refusal_of(with(ordinary_job(), {{"SLURM_JOB_CPUS_PER_NODE", "4(x2)"}})),
              "SLURM_JOB_CPUS_PER_NODE is \"4(x2)\", which is 2 nodes, while SLURM_JOB_NODELIST is "
              "\"node[1-3]\"; after a resize, source the script that scontrol wrote");
    EXPECT_EQ(refusal_of(with(ordinary_job(), {{"SLURM_HET_SIZE", "2"}})),
              "SLURM_JOB_NODELIST_HET_GROUP_0 is not set; start a heterogeneous job with sbatch or salloc, "
              "which set it");
}
