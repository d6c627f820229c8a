#include "jobsubmit/decision.hpp"
#include "rules/verdict_line.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace {

constexpr double loaded_s = 1000;
constexpr Changes changes{1'700'000'000, 1'600'000'000, 1'700'000'100};

View view(Settings settings = {}) {
    return {.inventory = std::make_shared<Inventory>(cluster()),
            .settings = std::make_shared<Settings>(std::move(settings)),
            .changes = changes,
            .loaded_s = loaded_s};
}

Settings compact() {
    Settings settings;
    EXPECT_TRUE(settings.set(Key::submit_placement, "compact", {Origin::Kind::site, "test"}));
    return settings;
}

const Moment fresh{loaded_s + 10, changes};
const Moment changed{loaded_s + 10, {changes.partitions + 9, changes.reservations, changes.nodes}};
const Moment other_nodes{loaded_s + 10, {changes.partitions, changes.reservations, changes.nodes + 3}};
const auto nobody = [] { return false; };
const auto root = [] { return true; };
const std::string sentence_for_a100 = "gpu:a100 is not in partition gpu (has h100 x 8 on 32 nodes); "
                                      "try --gpus-per-node=h100:1 or --partition=a100 [gpu-type]";

} // namespace

TEST(Freshness, ends_with_any_change_of_the_partitions) {
    EXPECT_TRUE(is_fresh(view(), fresh));
    EXPECT_FALSE(is_fresh(view(), changed));
    auto back = changes;
    back.partitions -= 3600;
    EXPECT_FALSE(is_fresh(view(), {loaded_s + 10, back})) << "also when the clock was set back before it";
    auto unsettled = view();
    unsettled.changes.partitions = View::unsettled;
    EXPECT_FALSE(is_fresh(unsettled, fresh)) << "another change may have come within the same second";
}

TEST(Freshness, ends_with_a_change_of_the_reservations_for_a_job_that_names_one) {
    auto reserved = changes;
    reserved.reservations += 1;
    EXPECT_TRUE(is_fresh(view(), {loaded_s + 10, reserved}));
    EXPECT_FALSE(is_fresh(view(), {loaded_s + 10, reserved}, true));
    EXPECT_TRUE(is_fresh(view(), fresh, true));
}

TEST(Decision, that_rests_on_nodes_being_down_is_doubted_once_nodes_have_changed) {
    auto seen = view();
    auto inventory = cluster();
    InventoryBuilder builder;
    builder.inventory() = std::move(inventory);
    builder.inventory().nodes[0].down = true;
    seen.inventory = std::make_shared<Inventory>(builder.take());
    auto all_nodes = on(asks(Per::node, "h100", 8), 32);
    EXPECT_TRUE(decide(all_nodes, seen, fresh, nobody).message.empty()) << "they count out of the box";
    auto settings = std::make_shared<Settings>();
    ASSERT_TRUE(settings->set(Key::submit_down_nodes, "ignore", {Origin::Kind::site, "test"}));
    seen.settings = settings;
    auto decision = decide(all_nodes, seen, fresh, nobody);
    EXPECT_TRUE(decision.refuse);
    EXPECT_NE(decision.message.find("or wait for the nodes that are down, which this site does not count"),
              std::string::npos)
        << decision.message;
    auto at = [](double seconds) { return Moment{loaded_s + seconds, other_nodes.changes}; };
    EXPECT_TRUE(decide(all_nodes, seen, at(4), nobody).refuse) << "the view is young";
    EXPECT_FALSE(decide(all_nodes, seen, at(6), nobody).refuse);
    EXPECT_TRUE(decide(all_nodes, seen, at(6), nobody).doubted);
    EXPECT_TRUE(decide(on(asks(Per::node, "h100", 8), 33), seen, at(6), nobody).refuse)
        << "so many there are not";
}

TEST(Freshness, ends_when_the_refresher_is_stuck) {
    EXPECT_TRUE(is_fresh(view(), {loaded_s + 119, changes}));
    EXPECT_FALSE(is_fresh(view(), {loaded_s + 121, changes})) << "twice 30 s and a minute";
}

TEST(Freshness, is_a_matter_of_seconds_where_changes_are_not_told) {
    EXPECT_TRUE(is_fresh(view(), {loaded_s + 5, {}}));
    EXPECT_FALSE(is_fresh(view(), {loaded_s + 6, {}}));
}

TEST(Decision, refuses_with_the_sentence_of_the_rule) {
    auto decision = decide(asks(Per::node, "a100", 1), view(), fresh, nobody);
    EXPECT_TRUE(decision.refuse);
    EXPECT_EQ(decision.message, "railhead: " + sentence_for_a100);
}

TEST(Decision, accepts_a_good_job_without_a_word) {
    auto decision = decide(asks(Per::node, "h100", 8), view(), fresh, nobody);
    EXPECT_FALSE(decision.refuse);
    EXPECT_EQ(decision.message, "");
    EXPECT_FALSE(decision.stale);
}

TEST(Decision, is_silent_where_nothing_is_said_or_done) {
    EXPECT_TRUE(decide(asks(Per::node, "h100", 8), view(), fresh, nobody).silent());
    EXPECT_FALSE(decide(asks(Per::node, "a100", 8), view(), fresh, nobody).silent()) << "refused";
    EXPECT_FALSE(decide(asks(Per::node, "a100", 8), view(), fresh, root).silent()) << "warned";
    EXPECT_FALSE(decide(asks(Per::node, "a100", 8), view(), changed, nobody).silent()) << "withheld";
    EXPECT_FALSE(decide(on({}, 4), view(compact()), fresh, nobody).silent()) << "placed";
    EXPECT_FALSE(decide({}, {.settings = std::make_shared<Settings>()}, fresh, nobody).silent()) << "no view";
}

TEST(Decision, holds_for_the_next_one_alike_only_when_nothing_of_the_moment_or_the_asker_is_in_it) {
    EXPECT_TRUE(decide(asks(Per::node, "h100", 8), view(), fresh, nobody).holds());
    EXPECT_TRUE(decide(on({}, 4), view(compact()), fresh, nobody).holds()) << "placed";
    auto parts = on(asks(Per::node, "h100", 4), 2);
    EXPECT_NE(decide(parts, view(), fresh, nobody).message, "");
    EXPECT_TRUE(decide(parts, view(), fresh, nobody).holds()) << "warned";
    EXPECT_FALSE(decide(parts, view(), changed, nobody).holds()) << "stale";
    EXPECT_FALSE(decide(asks(Per::node, "a100", 8), view(), fresh, nobody).holds()) << "refused";
    EXPECT_FALSE(decide(asks(Per::node, "a100", 8), view(), fresh, root).holds()) << "refused but for root";
    auto constrained = asks(Per::node, "h100", 8);
    constrained.features = "ib";
    EXPECT_FALSE(decide(constrained, view(), other_nodes, nobody).holds()) << "doubted";
}

TEST(Decision, only_warns_who_may_override) {
    auto decision = decide(asks(Per::node, "a100", 1), view(), fresh, root);
    EXPECT_FALSE(decision.refuse);
    EXPECT_EQ(decision.message, "railhead: warning: " + sentence_for_a100);
}

TEST(Decision, asks_who_may_override_only_before_a_refusal) {
    int asked = 0;
    auto counting = [&] { return ++asked, false; };
    (void)decide(asks(Per::node, "h100", 8), view(), fresh, counting);
    (void)decide(asks(Per::node, "a100", 8), view(), changed, counting);
    EXPECT_EQ(asked, 0);
    (void)decide(asks(Per::node, "a100", 8), view(), fresh, counting);
    EXPECT_EQ(asked, 1);
}

TEST(Decision, accepts_everything_without_a_view) {
    auto decision =
        decide(asks(Per::node, "a100", 1), {.settings = std::make_shared<Settings>()}, fresh, nobody);
    EXPECT_FALSE(decision.refuse);
    EXPECT_TRUE(decision.stale);
}

TEST(Decision, withholds_verdict_and_placement_on_a_stale_view) {
    auto wrong = decide(asks(Per::node, "a100", 1), view(), changed, nobody);
    EXPECT_FALSE(wrong.refuse);
    EXPECT_EQ(wrong.message, "");
    EXPECT_EQ(wrong.withheld, "railhead: " + sentence_for_a100);
    EXPECT_TRUE(wrong.stale);
    auto good = decide(on({}, 4), view(compact()), changed, nobody);
    EXPECT_EQ(good.placement, std::nullopt);
}

TEST(Decision, warns_of_what_the_constraint_alone_makes_wrong_once_a_node_has_changed) {
    auto job = asks(Per::node, "h100", 8);
    job.features = "ib";
    auto known = decide(job, view(), fresh, nobody);
    EXPECT_TRUE(known.refuse);
    EXPECT_FALSE(known.doubted);
    auto doubted = decide(job, view(), other_nodes, nobody);
    EXPECT_FALSE(doubted.refuse) << "the node may have been given the feature";
    EXPECT_TRUE(doubted.doubted);
    EXPECT_EQ(doubted.message,
              "railhead: warning: " + known.message.substr(std::string("railhead: ").size()));
    auto unsettled = view();
    unsettled.changes.nodes = View::unsettled;
    EXPECT_FALSE(decide(job, unsettled, fresh, nobody).refuse) << "within the second of the look";
}

TEST(Decision, refuses_what_no_constraint_mends_whatever_has_changed) {
    auto job = asks(Per::node, "a100", 1);
    job.features = "ib";
    auto decision = decide(job, view(), other_nodes, nobody);
    EXPECT_TRUE(decision.refuse);
    EXPECT_FALSE(decision.doubted);
    EXPECT_EQ(decision.message, "railhead: " + sentence_for_a100);
    EXPECT_TRUE(decide(asks(Per::node, "a100", 1), view(), other_nodes, nobody).refuse);
}

TEST(Decision, looks_again_after_a_refusal_that_a_qos_may_lift_by_now) {
    EXPECT_TRUE(decide(on({}, 1000), view(), fresh, nobody).doubted);
    EXPECT_FALSE(decide(on({}, 1000), view(), {loaded_s + 1, changes}, nobody).doubted) << "a young view";
    auto no_such = decide(asks(Per::node, "a100", 1), view(), fresh, nobody);
    EXPECT_TRUE(no_such.refuse);
    EXPECT_FALSE(no_such.doubted) << "no QOS has GPUs";
}

TEST(Decision, places_compactly_on_a_fresh_view) {
    EXPECT_EQ(decide(on({}, 4), view(compact()), fresh, nobody).placement,
              (Placement{.leaves = 1, .wait_seconds = 60}));
    auto wrong = on(asks(Per::node, "h100", 9), 4);
    EXPECT_EQ(decide(wrong, view(compact()), fresh, nobody).placement, std::nullopt) << "refused";
}

TEST(Decision, tells_of_the_placement_where_the_policy_says_so) {
    auto settings = compact();
    auto job = asks(Per::node, "h100", 8);
    EXPECT_EQ(decide(on(job, 4), view(settings), fresh, nobody).message, "");
    ASSERT_TRUE(settings.set(Key::submit_placement_told, "on", {Origin::Kind::site, "test"}));
    EXPECT_EQ(decide(on(job, 4), view(settings), fresh, nobody).message,
              "railhead: placed compactly: --switches=1@1:00 [rail-placement]");
    EXPECT_EQ(decide(on(job, 1), view(settings), fresh, nobody).message, "");
}

TEST(Decision, has_a_log_line_with_fixed_keys_for_each_verdict) {
    auto job = in(asks(Per::node, "a100\n", 1), {"gpu", "cpu"});
    auto decision = decide(job, view(), fresh, nobody);
    ASSERT_EQ(decision.verdicts.size(), 1u);
    EXPECT_EQ(verdict_line(decision.verdicts[0], job, 1001).substr(0, 80),
              "rule=gpu-type verdict=refuse user=1001 partition=gpu,cpu: gpu:a100? is not in pa")
        << "a user's line break makes no line of the log";
    decision = decide(job, view(), fresh, root);
    EXPECT_EQ(verdict_line(decision.verdicts[0], job, 0).substr(0, 38),
              "rule=gpu-type verdict=warn user=0 part");
}
