#include "slurm/job_details.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// As written by scontrol of 24.11 for --gpus=9 on three nodes; other words left out.
constexpr auto uneven = "JobId=10 JobName=retry of JobId=4\n"
                        "   UserId=alice(1001) GroupId=alice(1001) MCS_label=N/A\n"
                        "   JobState=RUNNING Reason=None Dependency=(null)\n"
                        "   ReqNodeList=(null) ExcNodeList=(null)\n"
                        "   NodeList=node[1-3]\n"
                        "   BatchHost=node1\n"
                        "   JOB_GRES=gpu:h100:9\n"
                        "     Nodes=node1 CPU_IDs=0 Mem=2000 GRES=gpu:h100:7(IDX:0,2-6,7)\n"
                        "     Nodes=node[2-3] CPU_IDs=0 Mem=2000 GRES=gpu:h100:1(IDX:0)\n"
                        "   MinCPUsNode=1 MinMemoryNode=0\n"
                        "   WorkDir=/shared/of Nodes=node1 GRES=gpu:5\n"
                        "   Comment=continues JobId=4 Nodes=node1 GRES=gpu:7 EndTime=1 NodeList=none\n"
                        "\n";

TEST(JobDetails, tell_whether_slurm_requeues_it) {
    auto read = [](const std::string& words) {
        return job_details_from("JobId=10 JobName=BatchFlag=7\n   Requeue=" + words +
                                " Reboot=0 ExitCode=0:0\n")
            .at(0);
    };
    EXPECT_TRUE(read("1 Restarts=0 BatchFlag=1").requeue);
    EXPECT_TRUE(read("1 Restarts=0 BatchFlag=1").batch);
    EXPECT_FALSE(read("0 Restarts=0 BatchFlag=1").requeue);
    EXPECT_FALSE(read("1 Restarts=0 BatchFlag=0").batch);
}

TEST(JobDetails, tell_the_container_that_the_job_runs_in) {
    auto read = [](const std::string& words) {
        return job_details_from("JobId=10 JobName=a\n   StdOut=/dev/null Container=/b\n" + words)
            .at(0)
            .container;
    };
    EXPECT_EQ(read("   Container=/images/a=b ContainerID=(null)\n"), "/images/a=b");
    EXPECT_EQ(read("   ContainerType=(null) Container=/images/c ContainerID=(null)\n"), "/images/c");
    EXPECT_EQ(read("   Container=(null) ContainerID=x\n"), "");
    EXPECT_EQ(read("   Power=\n"), "");
}

TEST(JobDetails, tell_the_gpus_of_each_node) {
    auto jobs = job_details_from(uneven);
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_EQ(jobs[0].job_id, "10");
    EXPECT_EQ(jobs[0].leader, "10");
    EXPECT_EQ(jobs[0].state, "RUNNING");
    EXPECT_EQ(jobs[0].user, "alice(1001)");
    EXPECT_FALSE(jobs[0].end_time) << "what users write as they like says nothing";
    EXPECT_FALSE(jobs[0].het_offset);
    EXPECT_THAT(jobs[0].nodes, ElementsAre("node1", "node2", "node3"));
    EXPECT_THAT(jobs[0].gpus, UnorderedElementsAre(Pair("node1", 7), Pair("node2", 1), Pair("node3", 1)));
    auto memory = std::uint64_t{2000} << 20;
    EXPECT_THAT(jobs[0].mem_bytes,
                UnorderedElementsAre(Pair("node1", memory), Pair("node2", memory), Pair("node3", memory)));
}

TEST(JobDetails, tell_no_memory_where_slurm_allocates_none) {
    auto jobs = job_details_from("JobId=1\n Nodes=node[1-2] CPU_IDs=0 Mem=0 GRES=gpu:1\n");
    EXPECT_THAT(jobs.at(0).mem_bytes, IsEmpty());
}

TEST(JobDetails, add_up_the_types_of_a_node_and_leave_other_gres_out) {
    auto jobs =
        job_details_from("JobId=1\n Nodes=big CPU_IDs=0 Mem=1 "
                         "GRES=gpu:h100:2(IDX:0-1),gpu:a100:1(IDX:2),shard:h100:0(0/4),nic:2(IDX:0-1)");
    EXPECT_THAT(jobs.at(0).gpus, ElementsAre(Pair("big", 3)));
}

TEST(JobDetails, name_array_tasks_and_components) {
    auto jobs = job_details_from(
        "JobId=17 ArrayJobId=16 ArrayTaskId=3 JobName=a\n   JobState=RUNNING\n   NodeList=node1\n\n"
        "JobId=16 ArrayJobId=16 ArrayTaskId=4-9 JobName=a\n   JobState=PENDING\n   NodeList=(null)\n\n"
        "JobId=15 HetJobId=14 HetJobOffset=1 JobName=b\n   JobState=RUNNING\n   NodeList=a100-1\n\n");
    ASSERT_EQ(jobs.size(), 3u);
    EXPECT_EQ(jobs[0].array_task, "16_3");
    EXPECT_EQ(jobs[1].array_task, "");
    EXPECT_THAT(jobs[1].nodes, IsEmpty());
    EXPECT_EQ(jobs[2].leader, "14");
    EXPECT_EQ(jobs[2].het_offset, 1);
}

TEST(JobDetails, tell_the_end_when_it_is_a_number) {
    EXPECT_EQ(job_details_from("JobId=1\n StartTime=1 EndTime=1795578604 Deadline=N/A").at(0).end_time,
              1795578604);
    for (auto* text : {"JobId=1\n StartTime=1 EndTime=2026-11-25T04:43:00",
                       "JobId=1\n StartTime=1 EndTime=Unknown", "JobId=1"})
        EXPECT_FALSE(job_details_from(text).at(0).end_time) << text;
}

// As 24.11 writes them while a job runs and when it was told to end; other words left out.
TEST(JobDetails, tell_the_time_that_was_left_at_the_end) {
    auto left = [](const char* text) { return time_left_s(job_details_from(text).at(0)); };
    EXPECT_EQ(left("JobId=1 JobState=RUNNING Reason=None RunTime=00:01:27 TimeLimit=00:10:00"), 513);
    EXPECT_EQ(left("JobId=1 JobState=COMPLETING Reason=None RunTime=00:00:14 TimeLimit=00:10:00 "
                   "StartTime=1795696163 EndTime=1795696177"),
              586)
        << "its EndTime is that of scancel";
    EXPECT_EQ(left("JobId=1 JobState=COMPLETING Reason=TimeLimit RunTime=00:00:14 TimeLimit=00:10:00"), 0);
    EXPECT_EQ(left("JobId=1 JobState=TIMEOUT"), 0);
    EXPECT_EQ(left("JobId=1 JobState=RUNNING RunTime=00:01:16 TimeLimit=00:01:00"), -16);
    EXPECT_EQ(left("JobId=1 JobState=RUNNING RunTime=1-00:00:00 TimeLimit=UNLIMITED"), no_limit_s);
    for (auto* text : {"JobId=1", "JobId=1 RunTime=00:01:00", "JobId=1 RunTime=INVALID TimeLimit=x"})
        EXPECT_EQ(left(text), std::nullopt) << text;
}

TEST(JobDetails, bear_any_text) {
    EXPECT_THAT(job_details_from(""), IsEmpty());
    EXPECT_THAT(job_details_from("No jobs in the system\n\n=\n ==  =JobId\n"), IsEmpty());
    auto odd = job_details_from("JobId=1 GRES=gpu:8\nNodes=n[ GRES=gpu:x:y(\nNodes= GRES= HetJobOffset=no");
    ASSERT_EQ(odd.size(), 1u);
    EXPECT_THAT(odd[0].gpus, IsEmpty());
    EXPECT_FALSE(odd[0].het_offset);
}

Allocation three_nodes() {
    Allocation allocation;
    allocation.job_id = "10";
    allocation.components = {
        {.nodes = {"node1", "node2", "node3"}, .cpus = {4, 5, 6}, .het_group = {}, .gpus = {}, .places = {}}};
    return allocation;
}

TEST(WithGpus, makes_a_component_of_the_nodes_that_have_as_many) {
    auto allocation = with_details(three_nodes(), job_details_from(uneven));
    ASSERT_EQ(allocation.components.size(), 2u);
    EXPECT_THAT(allocation.components[0].nodes, ElementsAre("node1"));
    EXPECT_EQ(allocation.components[0].gpus, 7);
    EXPECT_THAT(allocation.components[1].nodes, ElementsAre("node2", "node3"));
    EXPECT_THAT(allocation.components[1].cpus, ElementsAre(5, 6));
    EXPECT_EQ(allocation.components[1].gpus, 1);
    EXPECT_THAT(allocation.nodes(), ElementsAre("node1", "node2", "node3"));
}

TEST(WithGpus, keeps_the_order_of_slurm) {
    auto allocation = with_details(
        three_nodes(), job_details_from("JobId=10\nNodes=node[1,3] GRES=gpu:2\nNodes=node2 GRES=gpu:1"));
    ASSERT_EQ(allocation.components.size(), 2u);
    EXPECT_THAT(allocation.in_order(), ElementsAre(Pair(0, "node1"), Pair(1, "node2"), Pair(0, "node3")));
    EXPECT_THAT(allocation.nodes(), ElementsAre("node1", "node2", "node3"));
}

TEST(WithGpus, gives_nodes_above_an_even_share_a_component_each_where_slurm_needs_that) {
    auto details = job_details_from("JobId=10\nNodes=node[1-2] GRES=gpu:7\nNodes=node3 GRES=gpu:1");
    EXPECT_EQ(with_details(three_nodes(), details).components.size(), 2u);
    auto allocation = with_details(three_nodes(), details, AboveShare::alone);
    EXPECT_THAT(allocation.in_order(), ElementsAre(Pair(0, "node1"), Pair(1, "node2"), Pair(2, "node3")));
    auto even = job_details_from("JobId=10\nNodes=node[1-3] GRES=gpu:7");
    EXPECT_EQ(with_details(three_nodes(), even, AboveShare::alone).components.size(), 1u);
}

TEST(WithGpus, asks_for_none_where_there_are_none_and_for_nothing_where_nobody_has_any) {
    auto some = with_details(three_nodes(), job_details_from("JobId=10\nNodes=node2 GRES=gpu:2"));
    ASSERT_EQ(some.components.size(), 2u);
    EXPECT_THAT(some.components[0].nodes, ElementsAre("node1", "node3"));
    EXPECT_EQ(some.components[0].gpus, 0);
    auto none = with_details(three_nodes(), job_details_from("JobId=10\nNodes=node[1-3] GRES="));
    ASSERT_EQ(none.components.size(), 1u);
    EXPECT_FALSE(none.components[0].gpus);
}

TEST(WithGpus, keeps_the_groups_of_a_heterogeneous_job) {
    Allocation allocation;
    allocation.job_id = "14";
    allocation.components = {{.nodes = {"node1"}, .cpus = {}, .het_group = 0, .gpus = {}, .places = {}},
                             {.nodes = {"a100-1"}, .cpus = {}, .het_group = 1, .gpus = {}, .places = {}}};
    allocation = with_details(
        allocation, job_details_from("JobId=14 HetJobId=14 HetJobOffset=0\nNodes=node1 GRES=gpu:h100:2\n"
                                     "JobId=15 HetJobId=14 HetJobOffset=1\nNodes=a100-1 GRES=gpu:a100:1\n"));
    ASSERT_EQ(allocation.components.size(), 2u);
    EXPECT_EQ(allocation.components[0].gpus, 2);
    EXPECT_EQ(allocation.components[1].gpus, 1);
    EXPECT_EQ(allocation.components[1].het_group, 1);
}

} // namespace
} // namespace railhead
