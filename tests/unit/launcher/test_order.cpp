#include "launcher/recipes/recipe.hpp"

#include <gtest/gtest.h>

#include <map>

using namespace railhead;

namespace {

struct Case {
    Allocation allocation;
    std::vector<Hello> hellos;
    Settings settings;
    LaunchInput input(std::vector<std::string> command = {"true"}) {
        return {.allocation = allocation,
                .hellos = hellos,
                .settings = settings,
                .command = std::move(command),
                .env = {},
                .cwd = "/",
                .secret = {}};
    }
};

Hello on(std::string node, std::string topology) {
    return {.node = node, .addresses = {"10.0.0.1"}, .topology_addr = topology};
}

std::string names(const NodeOrder& order) {
    std::string text;
    for (auto& node : order.nodes) text += node.name + "/" + node.leaf + " ";
    return text;
}

} // namespace

TEST(Order, neighbours_share_leaf_groups_and_the_first_node_stays_first) {
    Case c;
    c.hellos = {on("n1", "s.b.n1"), on("n2", "s.a.n2"), on("n3", "s.b.n3"), on("n4", "s.a.n4")};
    EXPECT_EQ(names(*order_nodes(c.input())), "n1/b n3/b n2/a n4/a ");
}

TEST(Order, without_a_topology_it_is_slurms) {
    Case c;
    c.hellos = {on("n2", "n2"), on("n1", "")};
    EXPECT_EQ(names(*order_nodes(c.input())), "n2/ n1/ ");
}

TEST(Order, is_the_one_that_was_asked_for) {
    Case c;
    c.hellos = {on("n1", "s.b.n1"), on("n2", "s.a.n2"), on("n3", "s.b.n3")};
    auto asked = [&](const std::string& order) {
        EXPECT_TRUE(
            c.settings.set(Key::launch_order, order, {.kind = Origin::Kind::option, .where = "--order"}));
        auto made = order_nodes(c.input());
        return made ? names(*made) : sentence(made.error());
    };
    EXPECT_EQ(asked("slurm"), "n1/b n2/a n3/b ");
    EXPECT_EQ(asked("n[3,1-2]"), "n3/b n1/b n2/a ");
    EXPECT_EQ(asked("n3,n1"),
              "--order n3,n1 leaves out n2 (expected topology, slurm, or each of n[1-3] once)");
    EXPECT_EQ(asked("n[1-3],n1"),
              "--order n[1-3],n1 names n1 twice (expected topology, slurm, or each of n[1-3] once)");
    EXPECT_EQ(asked("n[1-3],m1"),
              "--order n[1-3],m1 names m1, which the job does not have (expected topology, "
              "slurm, or each of n[1-3] once)");
    EXPECT_EQ(asked("n[1"),
              "--order n[1 is no list of nodes (expected topology, slurm, or each of n[1-3] once)");
}

TEST(Run, puts_one_rank_on_every_node_of_a_job_without_gpus) {
    Case c;
    c.hellos = {on("n1", ""), on("n2", "")};
    auto plan = plan_run(c.input({"hostname", "${f}"}), {});
    ASSERT_TRUE(plan);
    ASSERT_EQ(plan->processes.size(), 2u);
    EXPECT_EQ(plan->processes[1].argv, (std::vector<std::string>{"hostname", "${$}{f}"})) << "no template";
    EXPECT_EQ(plan->processes[1].env.at("RANK"), "1");
    EXPECT_EQ(plan->processes[1].env.at("WORLD_SIZE"), "2");
}

TEST(Run, puts_a_rank_on_every_gpu_and_tells_it_its_place_in_the_words_of_torchrun_and_of_srun) {
    Case c;
    c.hellos = {on("n1", ""), on("n2", ""), on("n3", "")};
    for (std::size_t i : {0, 0, 1, 1, 2}) c.hellos[i].gpus.push_back({});
    auto plan = plan_run(c.input(), {});
    ASSERT_TRUE(plan);
    ASSERT_EQ(plan->processes.size(), 5u);
    auto env = plan->processes[3].env;
    for (auto [name, value] : std::map<std::string, std::string>{{"RANK", "3"},
                                                                 {"LOCAL_RANK", "1"},
                                                                 {"WORLD_SIZE", "5"},
                                                                 {"LOCAL_WORLD_SIZE", "2"},
                                                                 {"NODE_RANK", "1"},
                                                                 {"SLURM_PROCID", "3"},
                                                                 {"SLURM_LOCALID", "1"},
                                                                 {"SLURM_NODEID", "1"},
                                                                 {"SLURM_NTASKS", "5"},
                                                                 {"SLURM_TASKS_PER_NODE", "2(x2),1"},
                                                                 {"SLURM_STEP_NODELIST", "n[1-3]"},
                                                                 {"MASTER_ADDR", "${addr.0}"},
                                                                 {"MASTER_PORT", "${port.master}"}})
        EXPECT_EQ(env[name], value) << name;
    EXPECT_EQ(plan_run(c.input(), {.per_node = 3})->processes.size(), 9u);
}

TEST(Run, gives_each_of_several_ranks_its_logs_and_one_alone_our_own_output) {
    Case c;
    c.hellos = {on("n1", ""), on("n2", "")};
    auto plan = plan_run(c.input(), {.shown = *RankFilter::from("1")});
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->processes[0].log, "rank0.out");
    EXPECT_EQ(plan->processes[1].error_log, "rank1.err");
    EXPECT_EQ(plan->processes[0].console, "") << "not asked for";
    EXPECT_EQ(plan->processes[1].console, "[rank1] ");
    EXPECT_EQ(plan->processes[1].env.at("PYTHONUNBUFFERED"), "1");
    c.hellos.pop_back();
    EXPECT_EQ(plan_run(c.input(), {})->processes[0].log, "");
    EXPECT_NE(plan_run(c.input(), {.shown = *RankFilter::from("none")})->processes[0].log, "");
}

TEST(RankFilter, understands_ranks_and_ranges_and_nothing_else) {
    EXPECT_TRUE(RankFilter::from("all")->has(1000000));
    EXPECT_FALSE(RankFilter::from("none")->has(0));
    auto some = RankFilter::from("0,3-5");
    ASSERT_TRUE(some);
    EXPECT_EQ(some->places(2, 3), (std::vector<int>{1, 2})) << "3 and 4 of 2, 3 and 4";
    EXPECT_TRUE(some->has(0) && some->has(5) && !some->has(1) && !some->has(6));
    for (const char* text : {"", "a", "5-3", "-1", "1,,2", "1,", "0-"})
        EXPECT_FALSE(RankFilter::from(text)) << text;
    EXPECT_EQ(sentence(RankFilter::from("").error()),
              "--ranks \"\" is no list of ranks (expected all, none, or ranks such as 0,3-5)");
}

TEST(RankFilter, remarks_ranks_that_are_not_there) {
    EXPECT_EQ(RankFilter().remark(4), "");
    EXPECT_EQ(RankFilter::from("none")->remark(4), "");
    EXPECT_EQ(RankFilter::from("0,2-3")->remark(4), "");
    EXPECT_EQ(RankFilter::from("9")->remark(4),
              "--ranks names rank 9, which is not there: the ranks are 0 to 3");
    EXPECT_EQ(RankFilter::from("2-7")->remark(4),
              "--ranks names ranks 4-7, which are not there: the ranks are 0 to 3");
    EXPECT_EQ(RankFilter::from("1,20-22,7,21,8")->remark(4),
              "--ranks names ranks 7-8,20-22, which are not there: the ranks are 0 to 3");
    EXPECT_EQ(RankFilter::from("1")->remark(1),
              "--ranks names rank 1, which is not there: the only one is rank 0");
    Case c;
    c.hellos = {on("n1", ""), on("n2", "")};
    EXPECT_EQ(plan_run(c.input(), {.shown = *RankFilter::from("2")})->notes.back(),
              "--ranks names rank 2, which is not there: the ranks are 0 to 1");
}

TEST(Run, without_its_folder_or_program_somewhere_names_every_such_node) {
    for (const char* kind : {"folder-missing", "program-missing"}) {
        Case c;
        c.hellos = {on("n1", ""), on("n2", ""), on("n3", ""), on("n4", "")};
        for (std::size_t i : {1, 2, 3})
            c.hellos[i].findings = {
                {.id = kind, .where = c.hellos[i].node, .thing = "/data/run", .seen = "is not there"}};
        auto plan = plan_run(c.input(), {});
        ASSERT_FALSE(plan);
        EXPECT_EQ(plan.error().kind, ErrorKind::bringup_failed);
        EXPECT_EQ(sentence(plan.error()), "n2 (also n[3-4]): /data/run is not there");
    }
}

TEST(Run, says_where_gpus_and_ranks_are_not_as_many) {
    Case c;
    c.hellos = {on("n1", ""), on("n2", ""), on("n3", "")};
    for (std::size_t i : {0, 0, 1, 1, 2}) c.hellos[i].gpus.push_back({});
    EXPECT_TRUE(plan_run(c.input(), {})->notes.empty());
    EXPECT_EQ(
        plan_run(c.input(), {.per_node = 2})->notes,
        (std::vector<std::string>{"n3: 1 GPU for 2 ranks, and NCCL does not run two ranks on one GPU"}));
    EXPECT_EQ(plan_run(c.input(), {.per_node = 1})->notes,
              (std::vector<std::string>{"n[1-2]: 2 GPUs for 1 rank"}));
}

TEST(Plan, says_where_programs_see_fewer_gpus_than_the_job_has) {
    Case c;
    c.hellos = {on("n1", ""), on("n2", "")};
    for (auto& hello : c.hellos) hello.gpus.resize(1);
    c.allocation.components = {{.nodes = {"n1", "n2"}, .gpus = 4}};
    EXPECT_EQ(plan_run(c.input(), {})->notes,
              (std::vector<std::string>{"n[1-2]: programs see 1 of the 4 GPUs that the job has there; leave "
                                        "--gres, --gpus and their like out of --srun-arg"}));
}
