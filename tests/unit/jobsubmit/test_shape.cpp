// Which submissions are taken for the same request, so that one is judged and the others are not.
#include "jobsubmit/silent_shapes.hpp"
#include "slurm/abi/request.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

using railhead::abi::shape_of;

namespace {

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
    [](auto& job) { job.ntasks_per_node = 8; },
    [](auto& job) { job.cpus_per_task = 8; },
    [](auto& job) { job.ntasks_per_tres = 8; },
    [](auto& job) { job.pn_min_memory = 8; },
    [](auto& job) { job.time_limit = 8; },
    [](auto& job) { job.time_min = 8; },
    [](auto& job) { job.req_switch = 1; },
    [](auto& job) { job.shared = 1; },
    [](auto& job) { job.overcommit = 1; },
    [](auto& job) { job.user_id = 1001; },
    [](auto& job) {
        static char* option = text("_SLURM_SPANK_OPTION_railhead_rail_placement=compact");
        job.spank_job_env = &option;
        job.spank_job_env_size = 1;
    },
};

} // namespace

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

TEST(Shape, is_none_where_more_is_judged_than_it_holds) {
    auto component = plain(), reserved = plain(), two = plain();
    component.het_job_offset = 0;
    reserved.reservation = text("two");
    two.tres_per_node = text("gres/gpu:1,gres/gpu:1");
    for (const auto& job : {component, reserved, two}) EXPECT_EQ(shape_of(job), 0U);
}

TEST(SilentShapes, remember_what_was_added_or_forget_it) {
    railhead::SilentShapes shapes;
    EXPECT_FALSE(shapes.has(5));
    shapes.add(5);
    EXPECT_TRUE(shapes.has(5));
    EXPECT_FALSE(shapes.has(5 + 1024));
    shapes.add(5 + 1024);
    EXPECT_TRUE(shapes.has(5 + 1024));
    EXPECT_FALSE(shapes.has(5)) << "one slot for both";
    shapes.add(0);
    EXPECT_FALSE(shapes.has(0));
}
