#include "lint/request.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;

namespace {

Result<JobRequest> request(const std::string& options) {
    return request_of(read_script("job.sh", "#!/bin/sh\n#SBATCH " + options + "\n"));
}

std::string error(const std::string& options) {
    auto read = request(options);
    return read ? "read" : sentence(read.error());
}

} // namespace

TEST(RequestOfScript, is_what_sbatch_would_ask_for) {
    auto job =
        request("-N2-4 -n 8 -c 4 --gpus-per-node=h100:8,a100:1 --mem=4G --mem-per-gpu=8000 -t 1-0 -p gpu,big "
                "-C ib -w node1 -x node2 --exclusive --reservation=mine -A acct");
    ASSERT_TRUE(job) << sentence(job.error());
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

TEST(RequestOfScript, says_what_cannot_be_read) {
    EXPECT_EQ(error("-N x"), "job.sh:2: --nodes is \"x\" (expected N or MIN-MAX)");
    EXPECT_EQ(error("--mem=many"), "job.sh:2: --mem is \"many\" (expected a size such as 4096 or 4G)");
    EXPECT_EQ(error("--time=soon"),
              "job.sh:2: --time is \"soon\" (expected a time such as 30, 1:30:00 or 1-12)");
    EXPECT_EQ(error("--ntasks=0"), "job.sh:2: --ntasks is \"0\" (expected a number)");
    EXPECT_EQ(error("--gpus=h100:x:y"), "job.sh:2: --gpus is \"h100:x:y\" (expected [TYPE:]COUNT)");
}
