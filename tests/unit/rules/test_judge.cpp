#include "rules/judge.hpp"
#include "slurm/inventory_text.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <fmt/core.h>

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace {

const Inventory& inventory() {
    static const auto built = cluster();
    return built;
}

Settings with(std::vector<std::pair<Key, std::string>> values, const std::string& partition = "") {
    Settings settings;
    for (const auto& [key, text] : values) {
        Origin site{Origin::Kind::site, "test"};
        auto set = partition.empty() ? settings.set(key, text, site)
                                     : settings.set_in(Whose::partition, partition, key, text, site);
        EXPECT_TRUE(set) << sentence(set.error());
    }
    return settings;
}

std::vector<Level> levels(const JobRequest& job, const Settings& settings) {
    std::vector<Level> found;
    for (const auto& each : judge(job, inventory(), settings).findings) found.push_back(each.level);
    return found;
}

} // namespace

TEST(Judge, refuses_out_of_the_box_what_slurm_could_not_start) {
    EXPECT_EQ(levels(asks(Per::node, "a100", 1), {}), std::vector{Level::fail});
    EXPECT_EQ(levels(asks(Per::node, "h100", 9), {}), std::vector{Level::fail});
    EXPECT_EQ(levels(asks(Per::node, "h100", 8), {}), std::vector<Level>{});
}

TEST(Judge, only_warns_where_unknown_nodes_may_register) {
    auto growing = cluster();
    growing.can_grow = true;
    for (const auto& job :
         {asks(Per::node, "a100", 1), asks(Per::node, "h100", 9), on(asks(Per::node, "h100", 8), 33)}) {
        auto findings = judge(job, growing, {}).findings;
        ASSERT_EQ(findings.size(), 1u);
        EXPECT_EQ(findings[0].level, Level::warn) << findings[0].id;
    }
}

TEST(Judge, counts_nodes_that_are_down_unless_policy_says_otherwise) {
    auto text = [](std::string_view state) {
        return fmt::format("NodeName=n1 Gres=gpu:h100:8 CPUTot=64 RealMemory=1000 State=IDLE\n"
                           "NodeName=n2 Gres=gpu:h100:8 CPUTot=64 RealMemory=1000 State={}\n"
                           "PartitionName=gpu Default=YES Nodes=n[1-2] State=UP\n",
                           state);
    };
    auto refused = [&](std::string_view state, const Settings& settings) {
        return refuses(
            judge(on(asks(Per::node, "h100", 8), 2), *inventory_from_text(text(state)), settings).findings);
    };
    auto ignore = with({{Key::submit_down_nodes, "ignore"}});
    EXPECT_FALSE(refused("DOWN*", {}));
    for (const char* state : {"DOWN*", "DOWN", "DOWN+CLOUD", "DOWN*+DRAIN"})
        EXPECT_TRUE(refused(state, ignore)) << state;
    for (const char* state : {"IDLE", "IDLE+CLOUD+POWERED_DOWN", "IDLE+DRAIN", "MIXED", "UNKNOWN"})
        EXPECT_FALSE(refused(state, ignore)) << state;
    EXPECT_TRUE(refused("DOWN", with({{Key::submit_down_nodes, "ignore"}}, "gpu")));
    EXPECT_FALSE(refused("DOWN", with({{Key::submit_down_nodes, "ignore"}}, "cpu")));
}

TEST(Judge, judges_a_partition_of_which_all_nodes_are_down) {
    auto inventory = inventory_from_text("NodeName=n1 Gres=gpu:h100:8 CPUTot=64 RealMemory=1000 State=DOWN\n"
                                         "PartitionName=gpu Default=YES Nodes=n1 State=UP\n");
    auto ignore = with({{Key::submit_down_nodes, "ignore"}});
    for (const auto& job : {asks(Per::node, "h100", 8), on({}, 1)}) {
        auto findings = judge(job, *inventory, ignore).findings;
        ASSERT_FALSE(findings.empty());
        EXPECT_EQ(sentence(findings[0]), "each node of partition gpu is down; name another partition, or "
                                         "wait for the nodes that are down, "
                                         "which this site does not count");
    }
}

TEST(Judge, leaves_memory_of_cpus_and_gpus_alone_where_slurm_does_not_count_it) {
    auto text = [](const char* counted) {
        return std::string("SelectTypeParameters    = ") + counted +
               "\nNodeName=n1 Gres=gpu:h100:8 CPUTot=16 RealMemory=1000 State=IDLE\n"
               "PartitionName=gpu Default=YES Nodes=n1 State=UP JobDefaults=DefMemPerGPU=800\n";
    };
    auto by_cpu = on({}, 1), by_gpu = asks(Per::node, "h100", 8), by_default = by_gpu, by_node = on({}, 1);
    by_cpu.tasks = 16;
    by_cpu.memory_per_cpu_mib = 400;
    by_gpu.memory_per_gpu_mib = 800;
    by_node.memory_per_node_mib = 2000;
    auto refused = [&](const JobRequest& job, const char* counted) {
        return refuses(judge(job, *inventory_from_text(text(counted)), {}).findings);
    };
    for (const auto& job : {by_cpu, by_gpu, by_default, by_node}) EXPECT_TRUE(refused(job, "CR_CORE_MEMORY"));
    for (const auto& job : {by_cpu, by_gpu, by_default}) EXPECT_FALSE(refused(job, "CR_CORE"));
    EXPECT_TRUE(refused(by_node, "CR_CORE")) << "Slurm rejects that at once";
}

TEST(Judge, follows_alternates_of_partitions_that_take_no_jobs) {
    auto judged = [](const char* state, const JobRequest& job) {
        auto text = std::string("NodeName=h1 Gres=gpu:h100:8 CPUTot=16 RealMemory=1000 State=IDLE\n"
                                "NodeName=a1 Gres=gpu:a100:4 CPUTot=16 RealMemory=1000 State=IDLE\n"
                                "PartitionName=old Default=YES Alternate=older Nodes=h1 State=") +
                    state +
                    "\nPartitionName=older Alternate=new Nodes=h1 State=DRAIN\n"
                    "PartitionName=new Nodes=a1 State=UP\n";
        return refuses(judge(job, *inventory_from_text(text), {}).findings);
    };
    auto a100 = asks(Per::node, "a100", 4), h100 = asks(Per::node, "h100", 8);
    for (const char* state : {"INACTIVE", "DRAIN"}) {
        EXPECT_FALSE(judged(state, a100));
        EXPECT_FALSE(judged(state, in(a100, {"old", "new"})));
        EXPECT_TRUE(judged(state, h100));
    }
    for (const char* state : {"UP", "DOWN"}) {
        EXPECT_TRUE(judged(state, a100));
        EXPECT_FALSE(judged(state, h100));
    }
}

TEST(Judge, judges_an_update_beside_a_partition_without_nodes) {
    auto inventory = inventory_from_text(
        "NodeName=n1 Gres=gpu:h100:8 CPUTot=16 RealMemory=1000 State=IDLE\n"
        "PartitionName=gpu Default=YES Nodes=n1 State=UP\nPartitionName=empty State=UP\n");
    auto update = asks(Per::node, "h100", 9);
    update.modify = true;
    EXPECT_TRUE(refuses(judge(update, *inventory, {}).findings));
}

TEST(Judge, does_not_count_the_nodes_of_few_tasks_where_a_partition_gives_more) {
    auto inventory = inventory_from_text("NodeName=n1 Gres=gpu:h100:8 CPUTot=16 RealMemory=1000 State=IDLE\n"
                                         "NodeName=n2 Gres=gpu:h100:8 CPUTot=16 RealMemory=1000 State=IDLE\n"
                                         "PartitionName=gpu Default=YES Nodes=n[1-2] MinNodes=2 State=UP\n");
    auto job = asks(Per::job, "", 16);
    job.tasks = 1;
    for (const auto& each : judge(job, *inventory, {}).findings)
        EXPECT_NE(each.level, Level::fail) << "22.05 runs it on both: " << sentence(each);
    job.nodes_min = job.nodes_max = 1;
    EXPECT_TRUE(refuses(judge(job, *inventory, {}).findings)) << "the user wants one node";
}

TEST(Judge, follows_the_policy_in_general_and_per_partition) {
    auto wrong = asks(Per::node, "a100", 1);
    EXPECT_EQ(levels(wrong, with({{Key::submit_rule_gpu_type, "warn"}})), std::vector{Level::warn});
    EXPECT_EQ(levels(wrong, with({{Key::submit_rule_gpu_type, "off"}})), std::vector<Level>{});
    EXPECT_EQ(levels(wrong, with({{Key::submit_rule_gpu_type, "off"}}, "gpu")), std::vector<Level>{});
    EXPECT_EQ(levels(wrong, with({{Key::submit_rule_gpu_type, "off"}}, "cpu")), std::vector{Level::fail});
}

TEST(Judge, takes_the_mildest_level_of_the_partitions) {
    auto wrong = in(asks(Per::node, "v100", 1), {"gpu", "cpu"});
    EXPECT_EQ(levels(wrong, with({{Key::submit_rule_gpu_type, "warn"}}, "cpu")), std::vector{Level::warn});
}

TEST(Judge, has_no_verdict_without_knowledge) {
    auto wrong = asks(Per::node, "a100", 1);
    EXPECT_TRUE(judge(wrong, Inventory{}, {}).findings.empty());
    EXPECT_TRUE(judge(in(wrong, {"new"}), inventory(), {}).findings.empty());
    InventoryBuilder dynamic;
    dynamic.add_partition({.name = "gpu", .is_default = true}, {});
    auto growing = dynamic.take();
    growing.can_grow = true;
    EXPECT_TRUE(judge(wrong, growing, {}).findings.empty()) << "its nodes have not registered yet";
}

TEST(Judge, does_not_count_a_partition_without_nodes) { // 22.05 and 26.05 let it pend with PartitionConfig
    auto inventory = inventory_from_text("NodeName=n1 Gres=gpu:h100:8 CPUTot=16 RealMemory=1000 State=IDLE\n"
                                         "PartitionName=gpu Default=YES Nodes=n1 State=UP\n"
                                         "PartitionName=empty State=UP\n");
    auto said = [&](const JobRequest& job) {
        auto findings = judge(job, *inventory, {}).findings;
        return findings.empty() ? "accepted" : sentence(findings.front());
    };
    EXPECT_EQ(said(in(on({}, 1), {"empty"})), "partition empty has no nodes; name another partition");
    EXPECT_EQ(said(in(asks(Per::node, "", 8), {"gpu", "empty"})), "accepted");
    EXPECT_EQ(said(in(asks(Per::node, "", 9), {"empty", "gpu"})), said(in(asks(Per::node, "", 9), {"gpu"})));
    inventory->can_grow = true;
    EXPECT_EQ(said(in(on({}, 1), {"empty"})), "accepted");
}

TEST(Judge, proposes_to_an_update_without_a_partition_what_each_of_them_has) {
    auto update = on({}, 40);
    update.modify = true;
    EXPECT_EQ(sentence(judge(update, inventory(), {}).findings.at(0)),
              "40 nodes are more than partitions gpu, a100, cpu, mixed and 3 others have (32); ask for less");
    update.partitions = {"a100"};
    EXPECT_EQ(judge(update, inventory(), {}).findings.at(0).next, "try numnodes=2");
    auto alike =
        inventory_from_text("NodeName=n1 CPUTot=16 RealMemory=1000 State=IDLE\n"
                            "NodeName=n2 CPUTot=16 RealMemory=1000 State=IDLE\n"
                            "PartitionName=a Nodes=n[1-2] State=UP\nPartitionName=b Nodes=n[1-2] State=UP\n");
    update.partitions.clear();
    EXPECT_EQ(judge(update, *alike, {}).findings.at(0).next, "try numnodes=2");
}

TEST(Judge, lowers_all_numbers_that_stand_for_the_nodes_together) {
    auto reserved = on(asks(Per::job, "", 24), 3);
    reserved.reservation = "two";
    reserved.partitions = {"gpu"};
    EXPECT_EQ(judge(reserved, inventory(), {}).findings.at(0).next, "try --nodes=2 --gpus=16");
    auto limited = cluster();
    limited.partitions[0].max_nodes = 3;
    auto job = on(asks(Per::job, "", 4), 4);
    job.tasks = 4;
    job.tasks_per_node = 1;
    job.nodes_follow_tasks = true;
    EXPECT_EQ(judge(job, limited, {}).findings.at(0).next, "try --nodes=3 --ntasks=3 --gpus=3");
}

TEST(Judge, lowers_nothing_for_a_warning) {
    auto limited = cluster();
    limited.partitions[0].max_cpus_per_node = 8; // so that --exclusive would be refused
    auto findings = judge(on(asks(Per::node, "", 3), 2), limited, {}).findings;
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(sentence(findings[0]), "3 of 8 GPUs on each of 2 nodes need not lie on the same rails");
}

TEST(Judge, knows_which_versions_give_few_tasks_more_nodes) {
    auto limited = cluster();
    limited.partitions[0].min_nodes = 2;
    auto job = asks(Per::job, "", 8);
    job.tasks = 1;
    EXPECT_FALSE(refuses(judge(job, limited, {}).findings)) << "22.05 runs it on two";
    limited.tasks_bound_nodes = true;
    for (auto per : {Per::job, Per::node}) {
        job.gpus.items[0].per = per;
        EXPECT_EQ(sentence(judge(job, limited, {}).findings.at(0)),
                  "--ntasks=1 with GPUs is fewer than partition gpu gives to a job at least (2 nodes); try "
                  "--ntasks=2");
    }
    job.gpus.items[0].per = Per::job;
    EXPECT_FALSE(refuses(judge(in(job, {"gpu", "mixed"}), limited, {}).findings));
    job.tasks_per_gpu = 1; // then it has 8
    EXPECT_FALSE(refuses(judge(job, limited, {}).findings));
    job.tasks_per_gpu.reset();
    job.tasks = 2;
    EXPECT_FALSE(refuses(judge(job, limited, {}).findings));
}

TEST(Judge, places_nothing_out_of_the_box) {
    EXPECT_EQ(judge(on({}, 4), inventory(), {}).placement, std::nullopt);
}

TEST(Judge, places_compactly_when_policy_or_user_ask_and_the_user_has_the_last_word) {
    auto compact = with({{Key::submit_placement, "compact"}}, "gpu");
    auto job = on({}, 4);
    EXPECT_EQ(judge(job, inventory(), compact).placement, (Placement{.leaves = 1, .wait_seconds = 60}));
    EXPECT_EQ(judge(in(on({}, 2), {"a100"}), inventory(), compact).placement, std::nullopt);
    job.placement = "any";
    EXPECT_EQ(judge(job, inventory(), compact).placement, std::nullopt);
    job.placement = "compact";
    EXPECT_EQ(judge(job, inventory(), {}).placement, (Placement{.leaves = 1, .wait_seconds = 60}));
    job.switches = 2;
    EXPECT_EQ(judge(job, inventory(), {}).placement, std::nullopt) << "--switches is the user's own";
}

TEST(Judge, knows_that_min_nodes_overrule_the_tasks) { // 26.05: --ntasks-per-node=2 --gpus=9 gets two nodes
    auto limited = cluster();
    auto job = asks(Per::job, "", 9);
    job.tasks_per_node = 2;
    job.nodes_max = 1;
    job.nodes_follow_tasks = true;
    EXPECT_TRUE(refuses(judge(job, limited, {}).findings));
    limited.partitions[0].min_nodes = 2;
    EXPECT_FALSE(refuses(judge(job, limited, {}).findings));
}

TEST(Judge,
     knows_that_22_05_gives_more_threads_than_there_are) { // -c9 --threads-per-core=1 has CPUs=18 of 16
    auto threads = cluster();
    for (auto& each : threads.classes) each.threads = 2;
    auto job = on(asks(Per::node, "h100", 1), 1);
    job.threads_per_core = 1;
    job.cpus_per_task = 9;
    EXPECT_FALSE(refuses(judge(job, threads, {}).findings));
    threads.threads_bound_cpus = true;
    EXPECT_TRUE(refuses(judge(job, threads, {}).findings));
}

TEST(Judge, never_waits_longer_than_the_site_allows) {
    auto compact = with({{Key::submit_placement, "compact"}, {Key::submit_placement_wait, "1h"}});
    EXPECT_EQ(judge(on({}, 4), inventory(), compact).placement,
              (Placement{.leaves = 1, .wait_seconds = 300}));
}

TEST(Judge, waits_as_long_as_the_user_of_the_policy_may) {
    auto compact = with({{Key::submit_placement, "compact"}});
    EXPECT_TRUE(
        compact.set_in(Whose::user, "alice", Key::submit_placement_wait, "4m", {Origin::Kind::site, "test"}));
    auto job = on({}, 4);
    EXPECT_EQ(judge(job, inventory(), compact).placement->wait_seconds, 60U);
    job.user = "alice";
    EXPECT_EQ(judge(job, inventory(), compact).placement->wait_seconds, 240U);
}

TEST(Judge, tells_who_asks_for_compact_placement_without_a_node_count) {
    auto job = asks(Per::node, "", 8);
    job.placement = "compact";
    auto judgement = judge(job, inventory(), {});
    ASSERT_EQ(judgement.findings.size(), 1u);
    EXPECT_EQ(judgement.findings[0].level, Level::warn);
    EXPECT_EQ(sentence(judgement.findings[0]),
              "--rail-placement=compact has no effect: the number of nodes is not given; add --nodes=N");
}

TEST(Judge, adjusts_nothing_in_an_update) {
    auto update = on({}, 4);
    update.modify = true;
    EXPECT_EQ(judge(update, inventory(), with({{Key::submit_placement, "compact"}})).placement, std::nullopt);
}

TEST(Judge, judges_only_what_an_update_states) {
    auto update = asks(Per::node, "a100", 1);
    update.modify = true;
    EXPECT_EQ(levels(update, {}), std::vector<Level>{}) << "the job may be in the partition that has it";
    auto nowhere = asks(Per::node, "", 100);
    nowhere.modify = true;
    EXPECT_EQ(levels(nowhere, {}), std::vector{Level::fail});
    EXPECT_EQ(levels(in(update, {"gpu"}), {}), std::vector{Level::fail});
}

TEST(Judge, knows_a_users_own_section_before_the_partitions) {
    auto wrong = asks(Per::node, "a100", 1);
    auto canary = with({{Key::submit_rule_gpu_type, "warn"}}, "gpu");
    ASSERT_TRUE(canary.set_in(Whose::user, "alice", Key::submit_rule_gpu_type, "enforce", {}));
    EXPECT_EQ(levels(wrong, canary), std::vector{Level::warn});
    wrong.user = "alice";
    EXPECT_EQ(levels(wrong, canary), std::vector{Level::fail});
}

TEST(Judge, leaves_alone_whom_policy_exempts) {
    auto exempt = with({{Key::submit_exempt_users, "root, alice"},
                        {Key::submit_exempt_accounts, "physics"},
                        {Key::submit_exempt_qos, "urgent"},
                        {Key::submit_exempt_reservations, "maint,course"}});
    auto wrong = asks(Per::node, "a100", 1);
    EXPECT_EQ(levels(wrong, exempt).size(), 1u);
    for (auto [field, value] : {std::pair{&JobRequest::user, "alice"},
                                {&JobRequest::account, "physics"},
                                {&JobRequest::qos, "urgent"}}) {
        auto job = wrong;
        job.*field = value;
        EXPECT_TRUE(levels(job, exempt).empty()) << value;
        job.*field = std::string(value) + "2";
        EXPECT_EQ(levels(job, exempt).size(), 1u) << value;
    }
    wrong.partitions = {"gpu"}; // a reservation that is not known has no partition of its own
    wrong.reservation = "other,course";
    EXPECT_TRUE(levels(wrong, exempt).empty());
}

TEST(Judge, says_three_warnings_at_most_and_none_beside_a_refusal) {
    auto job = on(asks(Per::node, "", 1), 2); // a part of each node
    job.tasks_per_node = 2;
    job.gpu_bind = "closest";
    job.cpus_per_task = 8;
    EXPECT_EQ(levels(job, with({{Key::submit_rule_type_required, "warn"}})),
              (std::vector{Level::warn, Level::warn, Level::warn}));
    job.nodelist = job.exclude = "node1";
    auto findings = judge(job, inventory(), {}).findings;
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].id, "conflict");
    EXPECT_EQ(findings[0].level, Level::fail);
}

TEST(Judge, warns_by_default_of_what_runs_badly_and_refuses_it_where_the_site_is_strict) {
    JobRequest none;
    EXPECT_EQ(levels(none, {}), std::vector{Level::warn}) << "no GPU on a partition of GPUs";
    EXPECT_EQ(levels(none, with({{Key::submit_rule_partition_kind, "strict"}})), std::vector{Level::fail});
    EXPECT_EQ(levels(none, with({{Key::submit_rule_partition_kind, "off"}})), std::vector<Level>{});
    auto parts = on(asks(Per::node, "", 4), 2);
    EXPECT_EQ(levels(parts, {}), std::vector{Level::warn});
    EXPECT_EQ(levels(parts, with({{Key::submit_rule_whole_nodes, "enforce"}})), std::vector{Level::fail});
}
