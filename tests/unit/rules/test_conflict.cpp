#include "rules/conflict.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace conflict_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = conflict_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(Conflict, sees_node_lists_that_cannot_be) {
    auto job = on({}, 2);
    job.nodelist = "node[1-2]";
    EXPECT_EQ(verdict(job), "accepted");
    job.exclude = "node[2-9]";
    EXPECT_EQ(verdict(job), "node2 is in both --nodelist and --exclude; take it out of one of them");
    job.het_offset = 1;
    EXPECT_EQ(verdict(job), "node2 is named in --nodelist and excluded: by --exclude, or because another "
                            "component names it, and no node is given to two of them; give each component "
                            "--nodelist and --exclude of its own")
        << "sbatch -w node2 : -w node2: nobody typed --exclude (22.05, 24.11 and 26.05)";
    job.het_offset.reset();
    job.exclude = "";
    job.nodelist = "node[1-3]";
    EXPECT_EQ(verdict(job), "accepted") << "24.11 and 26.05 give all three";
}

TEST(Conflict, sees_a_name_that_is_no_node) { // rejected by 22.05, 24.11 and 26.05
    JobRequest job;
    job.exclude = "node[1-3]";
    EXPECT_EQ(verdict(job), "accepted");
    job.exclude = "node[32-33]";
    EXPECT_EQ(verdict(job), "node33 is named in --exclude, and is no node; leave it out");
    job.exclude = "block{b1}";
    EXPECT_EQ(verdict(job), "accepted") << "24.11 knows more than names";
    job.exclude = "";
    job.nodelist = "nod1";
    EXPECT_EQ(verdict(job), "nod1 is named in --nodelist, and is no node; leave it out");
    auto growing = cluster();
    growing.can_grow = true;
    EXPECT_EQ(verdict(job, growing), "accepted") << "it may register";
}

TEST(Conflict, sees_tasks_that_make_no_whole_gpus) { // rejected by 22.05, 24.11 and 26.05
    JobRequest job;
    job.tasks_per_gpu = 2;
    EXPECT_EQ(verdict(job), "--ntasks-per-gpu=2 has neither GPUs nor tasks beside it; add --gpus=N");
    EXPECT_EQ(verdict(on(job, 2)), "accepted") << "Slurm makes tasks of known nodes";
    job.tasks = 5;
    EXPECT_EQ(verdict(job), "--ntasks=5 is no multiple of --ntasks-per-gpu=2; try --ntasks=6");
    job.tasks = 1; // all three start it
    EXPECT_EQ(
        verdict(job),
        "--ntasks=1 makes no GPU of --ntasks-per-gpu=2, and the job starts without one; try --ntasks=2");
    EXPECT_EQ(conflict_rule(job, cluster(), cluster().partitions_of(job))->level, Level::warn);
    job.tasks = 6;
    EXPECT_EQ(verdict(job), "accepted");
    EXPECT_EQ(verdict(on(job, 4)),
              "--ntasks=6 makes 3 GPUs of --ntasks-per-gpu=2, and each of 4 nodes has one; try --ntasks=8");
    job = asks(Per::job, "", 3);
    job.tasks_per_gpu = 2;
    job.tasks = 5;
    EXPECT_EQ(verdict(job), "accepted") << "Slurm makes 6 tasks of it";
}

TEST(Conflict, sees_tasks_that_do_not_come_out_on_nodes) { // each with --gpus-per-task
    auto job = on(asks(Per::task, "", 1), 2);
    job.tasks = 3;
    job.tasks_per_node = 3;
    auto of = cluster();
    EXPECT_EQ(verdict(job, of), "accepted") << "22.05 runs it";
    of.tasks_bound_nodes = true;
    EXPECT_EQ(verdict(job, of), "--ntasks-per-node=3 puts the 3 tasks of the job on 1 of 2 nodes, and counts "
                                "beside GPUs per task; leave it out");
    job.tasks_per_node = 2;
    EXPECT_EQ(verdict(job, of), "accepted") << "24.11 runs it";
    of.tasks_fill_nodes = true;
    EXPECT_EQ(
        verdict(job, of),
        "--ntasks-per-node=2 does not divide the 3 tasks of the job, which may wait for ever: it counts "
        "beside GPUs per task; leave it out");
    EXPECT_EQ(conflict_rule(job, of, of.partitions_of(job))->level, Level::warn)
        << "with --cpus-per-task=2 26.05 runs it";
    job.tasks = 4;
    EXPECT_EQ(verdict(job, of), "accepted");
    job.gpus.items[0].per = Per::node;
    job.tasks = 3;
    EXPECT_EQ(verdict(job, of), "accepted") << "then it is but the most";
}

TEST(Conflict, sees_a_total_that_the_parts_do_not_give) {
    auto job = on(asks(Per::job, "", 9), 2);
    job.gpus.items.push_back({"gpu", "", Per::node, 4, ""});
    EXPECT_EQ(verdict(job), "gpu:9 is more than gpu:4 per node on 2 nodes; leave --gpus out");
    job = asks(Per::job, "", 9);
    job.gpus.items.push_back({"gpu", "", Per::task, 2, ""});
    job.tasks = 4;
    EXPECT_EQ(verdict(job), "gpu:9 is not gpu:2 per task times 4 tasks; leave --gpus out");
    job.gpus.items[0].count = 8;
    EXPECT_EQ(verdict(job), "accepted");
}

TEST(Conflict, warns_of_two_options_for_one_thing) {
    auto job = asks(Per::node, "", 4);
    job.gpus.items.push_back({"gpu", "h100", Per::node, 4, "", NodeOption::gres});
    EXPECT_EQ(
        verdict(job),
        "--gres=gpu and --gpus-per-node are both given, and one replaces the other; leave one of them out");
}

TEST(Conflict, warns_of_a_number_that_slurm_drops_for_another) {
    JobRequest job;
    job.gpus.items = *parse_tres("gres/gpu:h100:1,gres/gpu:h100:2", Per::node); // --gpus-per-node and --gres
    EXPECT_EQ(verdict(job), "gpu:h100:1 per node is dropped for gpu:h100:2 per node, which is asked as well; "
                            "leave one of them out");
    job.gpus.items = *parse_tres("gres/gpu:h100:2,gres/gpu:h100:2", Per::node);
    EXPECT_EQ(verdict(job), "accepted");
    job.gpus.items = *parse_tres("gres/gpu:h100:1,gres/gpu:a100:2", Per::node);
    EXPECT_EQ(verdict(job), "accepted");
}

TEST(Conflict, knows_how_many_tasks_gpus_take) { // 24.11: -G4 --ntasks-per-gpu=2 -n9 is rejected, -n7 runs
    auto job = asks(Per::job, "", 4);
    job.tasks_per_gpu = 2;
    job.tasks = 8;
    EXPECT_EQ(verdict(job), "accepted");
    job.tasks = 9;
    EXPECT_EQ(verdict(job), "accepted") << "22.05 gives another node";
    auto inventory = cluster();
    inventory.tasks_bound_nodes = true;
    EXPECT_EQ(verdict(job, inventory),
              "--ntasks=9 are more than 4 GPUs with --ntasks-per-gpu=2 take (8); try --ntasks=8");
}

TEST(Conflict, knows_that_tasks_per_node_count_beside_gpus_per_task) {
    auto job = asks(Per::task, "", 1);
    job.tasks = 4;
    job.tasks_per_node = 4;
    EXPECT_EQ(verdict(job), "accepted");
    job.tasks_per_node = 5;
    EXPECT_EQ(verdict(job),
              "--ntasks-per-node=5 is more than the 4 tasks of the job, and counts beside GPUs per task; "
              "leave it out");
    job.exclusive = true; // or the partition gives whole nodes
    EXPECT_EQ(verdict(job), "accepted");
    job.exclusive = false;
    job.gpus.items[0].per = Per::node;
    EXPECT_EQ(verdict(job), "accepted");
}

TEST(Conflict, knows_what_each_version_makes_of_tasks_per_node_beside_gpus_per_task) {
    auto on_24_11 = cluster(), on_26_05 = cluster();
    on_24_11.tasks_bound_nodes = on_26_05.tasks_bound_nodes = on_26_05.tasks_fill_nodes = true;
    struct Case {
        std::uint32_t nodes, tasks, each, gpus;
        bool starts_on_24_11, starts_on_26_05;
    };
    for (auto [nodes, tasks, each, gpus, starts_on_24_11, starts_on_26_05] : // as they were on idle nodes
         {Case{3, 6, 3, 1, true, false},
          {4, 5, 2, 1, true, false},
          {4, 7, 4, 1, true, false},
          {3, 5, 4, 1, false, false},
          {4, 5, 3, 1, false, false},
          {4, 4, 2, 1, false, false},
          {2, 4, 4, 1, false, false},
          {2, 4, 2, 1, true, true},
          {3, 5, 4, 2, true, false},
          {4, 4, 2, 2, true, false},
          {2, 4, 4, 2, false, false}}) {
        auto job = on(asks(Per::task, "", gpus), nodes);
        job.tasks = tasks;
        job.tasks_per_node = each;
        EXPECT_EQ(verdict(job, on_24_11) == "accepted", starts_on_24_11) << nodes << tasks << each;
        EXPECT_EQ(verdict(job, on_26_05) == "accepted", starts_on_26_05) << nodes << tasks << each;
        job.exclusive = true;
        EXPECT_EQ(verdict(job, on_26_05), "accepted") << "some of these start, and Slurm rejects the others";
    }
}

TEST(Conflict, warns_of_overcommit_that_may_never_start) {
    JobRequest job;
    job.overcommit = true;
    job.tasks = 4;
    EXPECT_EQ(verdict(job), "accepted") << "22.05 starts it";
    auto later = cluster();
    later.tasks_bound_nodes = true;
    EXPECT_EQ(verdict(job, later).substr(0, 46), "--overcommit with 4 tasks on 1 node may wait f");
    EXPECT_EQ(verdict(on(job, 4), later), "accepted");
    job.exclusive = true;
    EXPECT_EQ(verdict(job, later), "accepted");
}

} // namespace conflict_test
