#include "lint/history.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;

namespace {

const std::string totals = "billing=16,cpu=16,gres/gpu:h100=16,gres/gpu=16,mem=4000M,node=2";

} // namespace

TEST(PastJob, is_judged_by_the_options_of_its_command_line) {
    auto job = past_job_from("17|alice|acct|gpu|normal||2026-11-01T10:00:00|1-00:00:00|" + totals +
                             "|sbatch -N2 --gpus-per-node=h100:8 --exclusive job.sh --nodes=9 a|b");
    ASSERT_TRUE(job);
    EXPECT_TRUE(job->ran && job->whole);
    EXPECT_EQ(job->id, "17");
    EXPECT_EQ(job->request.user, "alice");
    EXPECT_EQ(job->request.nodes_max, 2u) << "what follows the script is the script's";
    EXPECT_THAT(job->request.partitions, ElementsAre("gpu"));
    ASSERT_EQ(job->request.gpus.items.size(), 1u);
    EXPECT_EQ(job->request.gpus.items[0].per, Per::node);
    EXPECT_TRUE(job->request.exclusive);
    EXPECT_EQ(job->request.time_minutes, 1440u);
}

TEST(PastJob, has_what_a_shell_took_the_quotes_from) {
    auto job = past_job_from("124|alice|acct|gpu|normal||2026-11-01T10:00:00|60|" + totals +
                             "|sbatch --parsable -C ib|eth&rack1 -N3 --gpus-per-node=8 job.sh");
    ASSERT_TRUE(job);
    EXPECT_EQ(job->request.features, "ib|eth&rack1");
    EXPECT_EQ(job->request.nodes_max, 3u);
}

TEST(PastJob, is_judged_by_its_totals_where_its_script_said_the_rest) {
    auto job =
        past_job_from("18_3|bob|acct|gpu,big|normal|mine|Unknown|UNLIMITED|" + totals + "|sbatch job.sh");
    ASSERT_TRUE(job);
    EXPECT_FALSE(job->ran || job->whole);
    EXPECT_EQ(job->request.nodes_min, 2u);
    EXPECT_FALSE(job->request.nodes_max) << "it may have asked for -N2-4";
    ASSERT_EQ(job->request.gpus.items.size(), 1u);
    EXPECT_EQ(job->request.gpus.items[0].per, Per::job);
    EXPECT_EQ(job->request.gpus.items[0].type, "h100");
    EXPECT_EQ(job->request.gpus.items[0].count, 16u);
    EXPECT_THAT(job->request.partitions, ElementsAre("gpu", "big"));
    EXPECT_EQ(job->request.reservation, "mine");
}

TEST(PastJob, may_have_had_its_script_from_standard_input) {
    auto job = past_job_from("17|alice|acct|gpu|normal||None|1|node=1|sbatch -N1 - --nodes=9");
    ASSERT_TRUE(job);
    EXPECT_EQ(job->request.nodes_max, 1u);
}

TEST(PastJob, is_one_component_of_a_heterogeneous_job) {
    auto request = [](const std::string& id, const std::string& line) {
        auto job = past_job_from(id + "|alice|acct|gpu|normal||None|60|node=1|" + line);
        return job ? job->request : JobRequest();
    };
    const std::string line = "sbatch -N1 -p cpu --qos=long : -N2 --gpus-per-node=8 : -n3 job.sh -N9 : -N9";
    EXPECT_EQ(request("17+0", line).nodes_max, 1u);
    EXPECT_TRUE(request("17+0", line).gpus.items.empty());
    EXPECT_EQ(request("17+1", line).nodes_max, 2u);
    EXPECT_EQ(request("17+1", line).gpus.items.at(0).count, 8u);
    EXPECT_EQ(request("17+1", line).het_offset, 1u);
    EXPECT_EQ(request("17+2", line).tasks, 3u);
    EXPECT_FALSE(request("17", "sbatch -N1 job.sh").het_offset);
    EXPECT_EQ(request("17+1", "srun -N1 a.out x : -N2 b.out").nodes_max, 2u);
}

// As 24.11 recorded them: node=1 is of every job without --nodes.
TEST(PastJob, has_its_nodes_from_no_totals_where_its_command_line_says_a_size) {
    for (std::string options : {"-G 16", "-n 20", "-n 64 --mem-per-cpu=1000", "--gpus-per-task=8 -n 2",
                                "--ntasks-per-node=4 -G16", "--ntasks-per-node=4"})
        for (std::string nodes : {"node=1", "node=3"}) {
            auto job = past_job_from("17|alice|acct|gpu|normal||None|60|gres/gpu=16," + nodes + "|sbatch " +
                                     options + " job.sh");
            ASSERT_TRUE(job) << options;
            EXPECT_FALSE(job->request.nodes_min || job->request.nodes_max) << options << ' ' << nodes;
        }
    auto range = past_job_from("17|alice|acct|gpu|normal||None|60|gres/gpu=8,node=2|sbatch -N2-4 -G8 job.sh");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->request.nodes_min, 2u);
    EXPECT_EQ(range->request.nodes_max, 4u);
}

TEST(PastJob, has_a_least_number_of_nodes_from_its_totals) {
    auto request = [](const std::string& totals) {
        return past_job_from("17+1|alice|acct|gpu|normal||None|60|" + totals + "|sbatch -p gpu job.sh")
            ->request;
    };
    EXPECT_FALSE(request("gres/gpu=16,node=1").nodes_min || request("gres/gpu=16,node=1").nodes_max);
    EXPECT_EQ(request("node=2").nodes_min, 2u);
    EXPECT_FALSE(request("node=2").nodes_max);
}

TEST(PastJob, had_options_in_every_spelling) {
    auto request = [](const std::string& options) {
        return past_job_from("17|alice|acct|gpu|normal||None|60|node=1|" + options)->request;
    };
    EXPECT_FALSE(request("sbatch -s job.sh --mem=1").memory_per_node_mib) << "-s has no value";
    EXPECT_FALSE(request("srun --pty bash --mem=1").memory_per_node_mib);
    EXPECT_EQ(request("sbatch --time-min=10 --time=30 job.sh").time_min_minutes, 10u);
    EXPECT_EQ(request("sbatch --time-min=10 job.sh").time_minutes, 60u) << "as accounting has it";
    EXPECT_EQ(request("sbatch --mem=1GB job.sh").memory_per_node_mib, 1024u);
    auto nodes = request("sbatch -N1,2 job.sh");
    EXPECT_EQ(nodes.nodes_min, 1u);
    EXPECT_EQ(nodes.nodes_max, 2u);
    auto task = request("srun -n2 --tres-per-task=cpu=2,gres/gpu:h100:1 true");
    EXPECT_EQ(task.cpus_per_task, 2u);
    EXPECT_EQ(task.gpus.items.at(0).per, Per::task);
}

TEST(PastJob, had_shares_and_slices_of_gpus) {
    auto job = past_job_from("17|alice|acct|gpu|normal||None|60|"
                             "gres/gpu:1g.5gb=2,gres/gpu=2,gres/shard=4,node=1|sbatch job.sh");
    ASSERT_TRUE(job && job->request.gpus.items.size() == 2);
    EXPECT_FALSE(job->whole);
    EXPECT_EQ(job->request.gpus.items[0].type, "1g.5gb");
    EXPECT_EQ(job->request.gpus.items[1].gres, "shard");
    EXPECT_EQ(job->request.gpus.items[1].count, 4u);
}

TEST(PastJob, is_absent_where_a_line_is_no_jobs) {
    for (auto line : {"", "JobID|User", "x|alice|acct|gpu|normal||None|1|node=1|sbatch job.sh",
                      "17|alice|acct|gpu|normal||None|1|node=1"})
        EXPECT_FALSE(past_job_from(line)) << line;
}
