#include "lint/request.hpp"

#include "lint/options.hpp"

#include <gmock/gmock.h>

#include <optional>

using namespace railhead;
using testing::ElementsAre;

namespace {

std::optional<JobRequest> request(const std::string& options) {
    return request_of(read_script("job.sh", "#!/bin/sh\n#SBATCH " + options + "\n"));
}

} // namespace

TEST(RequestOfScript, is_what_sbatch_would_ask_for) {
    auto job =
        request("-N2-4 -n 8 -c 4 --gpus-per-node=h100:8,a100:1 --mem=4G --mem-per-gpu=8000 -t 1-0 -p gpu,big "
                "-C ib -w node1 -x node2 --exclusive --reservation=mine -A acct");
    ASSERT_TRUE(job);
    EXPECT_EQ(job->nodes_min, 2u);
    EXPECT_EQ(job->nodes_max, 4u);
    EXPECT_EQ(job->tasks, 8u);
    EXPECT_EQ(job->cpus_per_task, 4u);
    ASSERT_EQ(job->gpus.items.size(), 2u);
    EXPECT_EQ(job->gpus.items[0].type, "h100");
    EXPECT_EQ(job->gpus.items[0].count, 8u);
    EXPECT_EQ(job->gpus.items[0].option, NodeOption::gpus_per_node);
    EXPECT_EQ(job->memory_per_node_mib, 4096u);
    EXPECT_EQ(job->memory_per_gpu_mib, 8000u);
    EXPECT_EQ(job->time_minutes, 1440u);
    EXPECT_THAT(job->partitions, ElementsAre("gpu", "big"));
    EXPECT_EQ(job->features + job->nodelist + job->exclude + job->reservation + job->account,
              "ibnode1node2mineacct");
    EXPECT_TRUE(job->exclusive);
}

TEST(RequestOfScript, knows_every_way_to_ask_for_gpus) {
    for (auto [options, per] : {std::pair{"-G 4", Per::job},
                                {"--gres=gpu:4", Per::node},
                                {"--gpus-per-task=4", Per::task},
                                {"--gpus-per-socket=4", Per::socket},
                                {"--gpus-per-node=4", Per::node}}) {
        auto job = request(options);
        ASSERT_TRUE(job && job->gpus.items.size() == 1) << options;
        EXPECT_EQ(job->gpus.items[0].per, per) << options;
        EXPECT_EQ(job->gpus.items[0].gres, "gpu") << options;
        EXPECT_EQ(job->gpus.items[0].count, 4u) << options;
    }
    EXPECT_EQ(request("--gres=gpu:h100:8,nic:1")->gpus.items.size(), 2u);
    EXPECT_TRUE(request("--gres=none")->gpus.items.empty());
    EXPECT_EQ(request("-N2 --ntasks-per-node=4")->tasks, 8u);
}

TEST(RequestOfScript, leaves_to_slurm_what_it_cannot_read) {
    auto job = request("-N x --mem=many --time=soon --ntasks=0 --gpus=h100:x:y -p gpu");
    EXPECT_FALSE(job->nodes_min || job->nodes_max || job->memory_per_node_mib || job->time_minutes ||
                 job->tasks);
    EXPECT_TRUE(job->gpus.items.empty());
    EXPECT_THAT(job->partitions, ElementsAre("gpu"));
}

TEST(RequestOfScript, reads_every_spelling_that_sbatch_reads) {
    auto job = request("--partit=gpu --tasks-per-node=8 -N2,4 --mem=4GB --time=0 --time-min=unlimited "
                       "--tres-per-task=cpu=4,gres/gpu:h100:2 --gpu=3");
    EXPECT_THAT(job->partitions, ElementsAre("gpu"));
    EXPECT_EQ(job->tasks_per_node, 8u);
    EXPECT_EQ(job->nodes_min, 2u);
    EXPECT_EQ(job->nodes_max, 4u);
    EXPECT_EQ(job->memory_per_node_mib, 4096u);
    EXPECT_EQ(job->time_minutes, UINT32_MAX);
    EXPECT_EQ(job->time_min_minutes, UINT32_MAX);
    EXPECT_EQ(job->cpus_per_task, 4u);
    ASSERT_EQ(job->gpus.items.size(), 1u) << "--gpu is the beginning of several options";
    EXPECT_EQ(job->gpus.items[0].per, Per::task);
    EXPECT_EQ(job->gpus.items[0].count, 2u);
    EXPECT_EQ(request("-N1k")->nodes_min, 1024u);
    EXPECT_EQ(request("--time-min=1:00:00")->time_min_minutes, 60u);
}

TEST(RequestOfScript, takes_the_environments_options_before_the_scripts) {
    auto words = environment_options({{"SBATCH_PARTITION", "big"},
                                      {"SBATCH_TIMELIMIT", "5"},
                                      {"SBATCH_EXCLUSIVE", ""},
                                      {"SBATCH_GPUS", "h100:8"},
                                      {"SBATCH_UNKNOWN", "x"},
                                      {"PATH", "/bin"}});
    auto job = request_of(read_script("job.sh", "#!/bin/sh\n#SBATCH -p gpu -t 9\n", {"-t", "7"}, words));
    EXPECT_THAT(job.partitions, ElementsAre("big"));
    EXPECT_EQ(job.time_minutes, 7u);
    EXPECT_TRUE(job.exclusive);
    ASSERT_EQ(job.gpus.items.size(), 1u);
    EXPECT_EQ(job.gpus.items[0].count, 8u);
}

TEST(RequestOfScript, reads_pbs_lines_where_sbatchs_own_say_nothing) {
    auto job = request_of(read_script(
        "job.sh", "#!/bin/sh\n#PBS -q gpu\n#PBS -l nodes=4:ppn=8,walltime=1:00:00\n#SBATCH -t 5\n"));
    EXPECT_THAT(job.partitions, ElementsAre("gpu"));
    EXPECT_EQ(job.nodes_min, 4u);
    EXPECT_EQ(job.time_minutes, 5u);
    EXPECT_FALSE(request_of(read_script("job.sh", "#!/bin/sh\n#PBS -l nodes=n1+n2\n")).nodes_min);
}

TEST(RequestOfScript, has_one_for_each_component_of_a_heterogeneous_job) {
    auto jobs = requests_of(read_script("job.sh",
                                        "#!/bin/sh\n#SBATCH -N1 -p cpu -t 5 --exclusive\n#SBATCH hetjob\n"
                                        "#SBATCH -N2 -p gpu --gpus-per-node=8\n",
                                        {"-n", "1", ":", "-n", "2"}));
    ASSERT_EQ(jobs.size(), 2u);
    EXPECT_THAT(jobs[0].partitions, ElementsAre("cpu"));
    EXPECT_TRUE(jobs[0].gpus.items.empty() && jobs[0].exclusive);
    EXPECT_EQ(jobs[0].tasks, 1u);
    EXPECT_EQ(jobs[0].het_offset, 0u);
    EXPECT_THAT(jobs[1].partitions, ElementsAre("gpu"));
    EXPECT_EQ(jobs[1].nodes_min, 2u);
    EXPECT_EQ(jobs[1].tasks, 2u);
    EXPECT_FALSE(jobs[1].exclusive);
    EXPECT_EQ(jobs[1].time_minutes, 5u) << "sbatch carries the time over";
    EXPECT_EQ(jobs[1].earlier.size(), 1u);
    EXPECT_FALSE(requests_of(read_script("job.sh", "#!/bin/sh\n"))[0].het_offset);
}
