#include "rules/judge.hpp"
#include "tests/unit/rules/clusters.hpp"

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
    EXPECT_TRUE(judge(wrong, dynamic.take(), {}).findings.empty()) << "its nodes have not registered yet";
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
