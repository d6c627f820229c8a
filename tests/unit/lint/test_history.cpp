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

TEST(PastJob, is_judged_by_its_totals_where_its_script_said_the_rest) {
    auto job =
        past_job_from("18_3|bob|acct|gpu,big|normal|mine|Unknown|UNLIMITED|" + totals + "|sbatch job.sh");
    ASSERT_TRUE(job);
    EXPECT_FALSE(job->ran || job->whole);
    EXPECT_EQ(job->request.nodes_min, 2u);
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

TEST(PastJob, is_absent_where_a_line_is_no_jobs) {
    for (auto line : {"", "JobID|User", "x|alice|acct|gpu|normal||None|1|node=1|sbatch job.sh",
                      "17|alice|acct|gpu|normal||None|1|node=1"})
        EXPECT_FALSE(past_job_from(line)) << line;
}
