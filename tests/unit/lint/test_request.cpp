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

TEST(RequestOfScript, has_a_node_alone_by_exclusive_only) {
    EXPECT_TRUE(request("--exclusive")->exclusive);
    for (const auto* shared : {"-N1", "--exclusive=user", "--exclusive=mcs"})
        EXPECT_FALSE(request(shared)->exclusive) << shared;
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
    for (std::string spelling : {"gres/gpu:h100:2", "gres:gpu:h100:2", "gpu:h100=2"})
        EXPECT_EQ(request("--gres=" + spelling)->gpus.items.at(0).type, "h100") << spelling;
    EXPECT_TRUE(request("--gres=none")->gpus.items.empty());
    auto shared = request("--gres=gpu:1g.5gb:2,shard:a100:4,gpu:3g.20gb");
    ASSERT_EQ(shared->gpus.items.size(), 3u) << "MIG names begin as counts do";
    EXPECT_EQ(shared->gpus.items[0].type + shared->gpus.items[1].gres + shared->gpus.items[2].type,
              "1g.5gbshard3g.20gb");
    EXPECT_EQ(request("--gpus=1g.5gb:2")->gpus.items.at(0).type, "1g.5gb");
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
    for (std::string spelling : {"-O", "--overcommit", "--overc"}) {
        auto over = request(spelling + " -n 64 -N1 -p cpu");
        EXPECT_TRUE(over->overcommit) << spelling;
        EXPECT_EQ(over->tasks, 64u) << spelling;
    }
    EXPECT_FALSE(request("-o out -n 64")->overcommit);
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

// As 22.05 and 24.11 showed the jobs of such scripts.
TEST(RequestOfScript, reads_pbs_lines_which_win_over_sbatchs_own) {
    auto pbs = [](const std::string& lines, const std::vector<std::string>& more = {}) {
        return request_of(read_script("job.sh", "#!/bin/sh\n" + lines + "\n", more));
    };
    auto job =
        pbs("#PBS -q gpu -A acct\n#PBS -l nodes=4:ppn=8,walltime=1:00:00,mem=2gb\n#SBATCH -t 5 -N1", {"-n3"});
    EXPECT_THAT(job.partitions, ElementsAre("gpu"));
    EXPECT_EQ(job.account, "acct");
    EXPECT_EQ(job.nodes_min, 4u);
    EXPECT_EQ(job.tasks, 3u) << "the command line wins over all";
    EXPECT_EQ(job.time_minutes, 60u);
    EXPECT_EQ(job.memory_per_node_mib, 2048u);
    EXPECT_EQ(pbs("true\n#PBS -lnodes=2:ppn=4").tasks, 8u) << "it is read after the first command, too";
    EXPECT_EQ(pbs("#PBS -l nodes=1:ppn=2+1:ppn=3").tasks, 10u);
    EXPECT_EQ(pbs("#PBS -l nodes=1:ppn=2:gpus=2").gpus.items.at(0).count, 2u);
    EXPECT_EQ(pbs("#PBS -l naccelerators=2").gpus.items.at(0).per, Per::node);
    EXPECT_EQ(pbs("#PBS -l nodes=n1+n2").nodelist, "n1,n2");
    EXPECT_FALSE(pbs("#PBS -l nodes=n1+n2").nodes_min);
    auto pro = pbs("#PBS -l select=2:ncpus=4:mpiprocs=2 -J 1-3");
    EXPECT_EQ(pro.nodes_min, 2u);
    EXPECT_EQ(pro.tasks_per_node, 2u);
    EXPECT_EQ(pro.cpus_per_task, 2u);
    EXPECT_EQ(pro.array, "1-3");
    auto both = requests_of(read_script("job.sh", "#!/bin/sh\n#SBATCH hetjob\n#PBS -l nodes=2\n"));
    EXPECT_EQ(both.at(0).nodes_min, 2u);
    EXPECT_EQ(both.at(1).nodes_min, 2u);
}

TEST(RequestOfScript, ignores_pbs_lines_where_it_is_told_so) {
    const std::string text = "#!/bin/sh\n#PBS -l nodes=4:ppn=8\n";
    auto of_environment = environment_options({{"SBATCH_IGNORE_PBS", ""}});
    for (const auto& script :
         {read_script("job.sh", text + "#SBATCH --ignore-pbs\n"),
          read_script("job.sh", text, {"--ignore-pbs"}), read_script("job.sh", text, {}, of_environment)})
        EXPECT_FALSE(request_of(script).nodes_min);
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
