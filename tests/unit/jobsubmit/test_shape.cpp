// Which submissions are taken for the same request, so that one is judged and the others are not.
#include "jobsubmit/refresher.hpp"
#include "slurm/abi/request.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace railhead;

namespace {

std::uint64_t shape_of(const job_desc_msg_t& job, std::uint32_t uid = 1001, std::uint64_t seed = 1) {
    return railhead::abi::shape_of(job, uid, seed);
}

char* text(const char* words) {
    return const_cast<char*>(words);
}

/// As slurm_init_job_desc_msg() leaves what matters here.
job_desc_msg_t plain() {
    job_desc_msg_t job{};
    job.het_job_offset = NO_VAL;
    job.min_nodes = job.max_nodes = 2;
    job.tres_per_node = text("gres/gpu:h100:8");
    job.partition = text("gpu");
    return job;
}

const std::vector<std::function<void(job_desc_msg_t&)>> changes{
    [](auto& job) { job.tres_per_job = text("gres/gpu:1"); },
    [](auto& job) { job.tres_per_node = text("gres/gpu:h100:7"); },
    [](auto& job) { job.tres_per_socket = text("gres/gpu:1"); },
    [](auto& job) { job.tres_per_task = text("gres/gpu:1"); },
    [](auto& job) { job.cpus_per_tres = text("gres/gpu:1"); },
    [](auto& job) { job.mem_per_tres = text("gres/gpu:1"); },
    [](auto& job) { job.tres_bind = text("gres/gpu:1"); },
    [](auto& job) { job.partition = text("a100"); },
    [](auto& job) { job.account = text("physics"); },
    [](auto& job) { job.qos = text("high"); },
    [](auto& job) { job.features = text("ib"); },
    [](auto& job) { job.req_nodes = text("node1"); },
    [](auto& job) { job.exc_nodes = text("node1"); },
    [](auto& job) { job.array_inx = text("1-9"); },
    [](auto& job) { job.min_nodes = 1; },
    [](auto& job) { job.max_nodes = 3; },
    [](auto& job) { job.num_tasks = 8; },
    [](auto& job) { job.min_cpus = 8; },
    [](auto& job) { job.ntasks_per_node = 8; },
    [](auto& job) { job.cpus_per_task = 8; },
    [](auto& job) { job.ntasks_per_tres = 8; },
    [](auto& job) { job.ntasks_per_socket = 1; },
    [](auto& job) { job.pn_min_memory = 8; },
    [](auto& job) { job.time_limit = 8; },
    [](auto& job) { job.time_min = 8; },
    [](auto& job) { job.req_switch = 1; },
    [](auto& job) { job.shared = 1; },
    [](auto& job) { job.overcommit = 1; },
    [](auto& job) { job.user_id = 1001; },
    [](auto& job) { job.reservation = text("two"); },
    [](auto& job) { job.het_job_offset = 0; },
    [](auto& job) {
        static char* option = text("_SLURM_SPANK_OPTION_railhead_rail_placement=compact");
        job.spank_job_env = &option;
        job.spank_job_env_size = 1;
    },
};

} // namespace

TEST(Request, has_the_tasks_that_were_typed_beside_gpus_and_tasks_per_gpu) {
    auto job = plain();
    job.num_tasks = 8;
    job.min_cpus = 9;
    EXPECT_EQ(railhead::abi::request_from(job, false)->tasks, 8U);
    job.ntasks_per_tres = 2;
    EXPECT_EQ(railhead::abi::request_from(job, false)->tasks, 9U);
    job.cpus_per_task = 3;
    EXPECT_EQ(railhead::abi::request_from(job, false)->tasks, 8U);
    job.cpus_per_task = 0;
    job.tres_per_task = text("cpu=0,gres/gpu:1");
    EXPECT_EQ(railhead::abi::request_from(job, false)->tasks, 9U) << "no CPUs per task is no number";
}

TEST(Shape, differs_with_every_field_that_the_rules_see) {
    std::set<std::uint64_t> shapes{shape_of(plain())};
    for (const auto& change : changes) {
        auto job = plain();
        change(job);
        ASSERT_TRUE(shapes.insert(shape_of(job)).second) << "change " << shapes.size();
    }
    EXPECT_EQ(shapes.count(0), 0U);
}

TEST(Shape, is_the_same_whatever_else_is_different) {
    auto job = plain();
    job.name = text("other");
    job.script = text("#!/bin/sh\nother\n");
    std::string elsewhere("gres/gpu:h100:8");
    job.tres_per_node = elsewhere.data();
    EXPECT_EQ(shape_of(job), shape_of(plain()));
}

TEST(Shape, is_not_enough_where_more_is_judged_than_it_holds) {
    auto component = plain(), reserved = plain(), two = plain();
    component.het_job_offset = 0;
    reserved.reservation = text("two");
    two.tres_per_node = text("gres/gpu:1,gres/gpu:1");
    for (const auto& job : {component, reserved, two}) EXPECT_FALSE(railhead::abi::is_known_by_shape(job));
    EXPECT_TRUE(railhead::abi::is_known_by_shape(plain()));
}

TEST(Shape, is_another_one_of_another_sender_and_in_another_view) {
    EXPECT_NE(shape_of(plain(), 0), shape_of(plain()));
    EXPECT_NE(shape_of(plain(), 1001, 2), shape_of(plain()));
    SilentShapes shapes;
    EXPECT_EQ(shapes.seed(), 0U);
    shapes.renew();
    const auto first = shapes.seed();
    shapes.renew();
    EXPECT_NE(shapes.seed(), first);
    EXPECT_NE(shapes.seed(), 0U);
    shapes.clear();
    EXPECT_EQ(shapes.seed(), 0U);
}

TEST(Shape, of_what_is_said_is_in_the_spelling_of_the_user) {
    auto per_node = plain(), gres = plain(), in_script = plain();
    per_node.submit_line = text("sbatch -N2 --gpus-per-node=h100:8 a.sh");
    gres.submit_line = text("sbatch -N2 --gres=gpu:h100:8 a.sh");
    in_script.script = text("#!/bin/sh\n#SBATCH --gres=gpu:h100:8\ntrue\n");
    auto spelled = [](const job_desc_msg_t& job) {
        return railhead::abi::spelled_shape_of(job, shape_of(job));
    };
    EXPECT_EQ(shape_of(per_node), shape_of(gres));
    EXPECT_NE(spelled(per_node), spelled(gres));
    EXPECT_EQ(spelled(in_script), spelled(gres));
    per_node.submit_line = text("sbatch -N2 --gpus-per-node=h100:8 another.sh");
    EXPECT_NE(spelled(per_node), spelled(gres));
    EXPECT_EQ(railhead::abi::spelled_shape_of(gres, 0), 0U);
}

TEST(SilentShapes, remember_what_was_silent_or_forget_it) {
    SilentShapes shapes;
    EXPECT_FALSE(shapes.contains(5));
    shapes.add(5);
    EXPECT_TRUE(shapes.contains(5));
    EXPECT_FALSE(shapes.contains(5 + 511));
    shapes.add(5 + 511);
    EXPECT_TRUE(shapes.contains(5 + 511));
    EXPECT_FALSE(shapes.contains(5)) << "one slot for both";
    shapes.add(0);
    EXPECT_FALSE(shapes.contains(0));
}

TEST(JudgedShapes, remember_what_was_said_and_keep_the_first_of_two_in_one_slot) {
    JudgedShapes shapes;
    EXPECT_EQ(shapes.said_of(7), nullptr);
    shapes.add(7, {.message = "seven", .lines = {"line"}, .placement = Placement{.leaves = 2}});
    shapes.add(7 + 256, {.message = "another"});
    ASSERT_NE(shapes.said_of(7), nullptr);
    EXPECT_EQ(shapes.said_of(7)->message, "seven");
    EXPECT_EQ(shapes.said_of(7)->placement->leaves, 2U);
    EXPECT_EQ(shapes.said_of(7 + 256), nullptr);
    shapes.add(0, {.message = "none"});
    EXPECT_EQ(shapes.said_of(0), nullptr);
}

TEST(JudgedShapes, are_read_while_others_add) {
    JudgedShapes shapes;
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&] {
            for (std::uint64_t shape = 1; shape < 2000; ++shape) {
                shapes.add(shape, {.message = std::to_string(shape)});
                if (const auto* said = shapes.said_of(shape); said && said->message != std::to_string(shape))
                    ++wrong;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}
