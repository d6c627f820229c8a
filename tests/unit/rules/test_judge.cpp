#include "rules/judge.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::testing;

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
                                     : settings.set_for_partition(partition, key, text, site);
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
    EXPECT_EQ(judge(on({}, 4), inventory(), {}).switches, std::nullopt);
}

TEST(Judge, places_compactly_when_policy_or_user_ask_and_the_user_has_the_last_word) {
    auto compact = with({{Key::submit_placement, "compact"}}, "gpu");
    auto job = on({}, 4);
    EXPECT_EQ(judge(job, inventory(), compact).switches, (SwitchRequest{1, 60}));
    EXPECT_EQ(judge(in(on({}, 2), {"a100"}), inventory(), compact).switches, std::nullopt);
    job.placement = "any";
    EXPECT_EQ(judge(job, inventory(), compact).switches, std::nullopt);
    job.placement = "compact";
    EXPECT_EQ(judge(job, inventory(), {}).switches, (SwitchRequest{1, 60}));
    job.switches = 2;
    EXPECT_EQ(judge(job, inventory(), {}).switches, std::nullopt) << "--switches is the user's own";
}

TEST(Judge, never_waits_longer_than_the_site_allows) {
    auto compact = with({{Key::submit_placement, "compact"}, {Key::submit_placement_wait, "1h"}});
    EXPECT_EQ(judge(on({}, 4), inventory(), compact).switches, (SwitchRequest{1, 300}));
}

TEST(Judge, tells_who_asks_for_compact_placement_without_a_node_count) {
    JobRequest job;
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
    EXPECT_EQ(judge(update, inventory(), with({{Key::submit_placement, "compact"}})).switches, std::nullopt);
}

TEST(Judge, judges_only_what_an_update_states) {
    auto update = asks(Per::node, "a100", 1);
    update.modify = true;
    EXPECT_EQ(levels(update, {}), std::vector<Level>{}) << "the partition of the job is not known";
    EXPECT_EQ(levels(in(update, {"gpu"}), {}), std::vector{Level::fail});
}
