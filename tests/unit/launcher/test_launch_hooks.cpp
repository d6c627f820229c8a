#include "launch_play.hpp"

#include "launcher/recipes/recipe.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Plan with_hooks() {
    auto plan = ranks(2);
    for (int i = 0; i < 2; ++i) {
        const auto node = plan.order[static_cast<std::size_t>(i)].name;
        Process before{.id = "before." + node, .node = i, .role = Role::hook, .argv = {"sh"}};
        before.milestones = {{.name = "up", .kind = "exit0"}};
        plan.before.push_back(before);
        plan.after.push_back({.id = "after." + node, .node = i, .role = Role::after, .argv = {"sh"}});
    }
    return plan;
}

TEST(LaunchHooks, every_node_is_prepared_before_anything_starts_on_any) {
    Play play(with_hooks());
    EXPECT_THAT(play.orders, ElementsAre("0 start after.node1", "1 start after.node2", "0 start before.node1",
                                         "1 start before.node2"));
    play.milestone(0, "before.node1", "up");
    play.exited(0, "before.node1", {.code = 0});
    EXPECT_FALSE(play.ordered("0 start rank.0")) << "node2 is not prepared";
    play.milestone(1, "before.node2", "up");
    EXPECT_TRUE(play.ordered("0 start rank.0"));
    EXPECT_TRUE(play.ordered("1 start rank.1"));
    EXPECT_EQ(play.launch.phase(), Launch::Phase::starting);
}

TEST(LaunchHooks, a_failure_before_the_start_ends_the_launch_with_a_sentence) {
    Play play(with_hooks());
    play.milestone(0, "before.node1", "up");
    play.exited(1, "before.node2", {.code = 3}, {"mount: no such device"});
    ASSERT_EQ(play.launch.phase(), Launch::Phase::ending);
    EXPECT_EQ(play.launch.outcome().exit_code, 102);
    EXPECT_EQ(play.launch.outcome().cause.sentence,
              "node2: the command before the start ended with exit code 3; correct or "
              "leave out --before-node (launch.before_node)");
    EXPECT_THAT(play.launch.outcome().cause.log_tail, ElementsAre("mount: no such device"));
    EXPECT_FALSE(play.ordered("0 start rank.0"));
    EXPECT_EQ(play.sent.back().text, "102 bring-up-failed") << "for the command after the end";
}

TEST(LaunchHooks, that_do_not_end_are_the_cause_of_the_time_out) {
    Play play(with_hooks());
    play.milestone(0, "before.node1", "up");
    play.launch.on_event(1, Event{.type = Event::Type::started, .id = "before.node2"}, 10);
    play.launch.on_tick(181);
    ASSERT_EQ(play.launch.phase(), Launch::Phase::starting) << "its last words are asked for";
    play.launch.on_event(
        1, Event{.type = Event::Type::log_tail, .id = "before.node2", .lines = {"waiting for /scratch"}},
        182);
    play.launch.on_tick(183);
    ASSERT_EQ(play.launch.phase(), Launch::Phase::ending);
    const auto& outcome = play.launch.outcome();
    EXPECT_EQ(outcome.exit_code, 103);
    EXPECT_EQ(
        outcome.cause.sentence,
        "node2: the command before the start has run for 173 s and not ended within the bring-up's 180 s; "
        "correct --before-node (launch.before_node) or raise --bringup-timeout");
    EXPECT_EQ(outcome.cause.node, "node2");
    EXPECT_EQ(outcome.cause.process, "before.node2");
    EXPECT_THAT(outcome.cause.log_tail, ElementsAre("waiting for /scratch"));
    play.exited(1, "before.node2", {.signal = SIGTERM});
    EXPECT_EQ(play.launch.outcome().cause.sentence, outcome.cause.sentence);
}

TEST(LaunchHooks, a_failure_after_the_end_is_a_finding_and_each_run_is_noted) {
    Play play(with_hooks());
    for (int node : {0, 1}) {
        auto id = "before.node" + std::to_string(node + 1);
        play.milestone(node, id, "up");
        play.exited(node, id, {.code = 0});
    }
    play.exited(0, "rank.0", {.code = 0});
    play.exited(1, "rank.1", {.code = 0});
    ASSERT_EQ(play.launch.phase(), Launch::Phase::ending);
    play.launch.on_event(1, Event{.type = Event::Type::started, .id = "after.node2"}, 1.5);
    play.exited(1, "after.node2", {.code = 4}, {"no such mount"});
    play.exited(0, "after.node1", {.code = 0});
    EXPECT_EQ(play.launch.outcome().exit_code, 0);
    ASSERT_EQ(play.launch.findings().size(), 1U);
    EXPECT_THAT(
        sentence(play.launch.findings().front()),
        HasSubstr("node2: the command after the end (--after-node) ended with exit code 4 after 0.5 s, "
                  "its last words: no such mount"));
    ASSERT_EQ(play.launch.hooks().size(), 4U);
    EXPECT_EQ(play.launch.hooks()[2].name, "after");
    EXPECT_EQ(play.launch.hooks()[2].exit_code, 4);
    EXPECT_DOUBLE_EQ(play.launch.hooks()[2].s, 0.5);
}

TEST(LaunchHooks, the_nodes_have_time_for_the_command_after_the_end) {
    Play play(with_hooks());
    play.launch.on_signal(SIGTERM, 5);
    play.launch.on_tick(30);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::ending);
    play.launch.on_tick(5 + 2 + 5 + after_node_within_s + 1);
    EXPECT_EQ(play.launch.phase(), Launch::Phase::over);
}

TEST(LaunchHooks, come_with_every_recipe_as_the_settings_say) {
    Allocation allocation;
    std::vector<Hello> hellos{{.node = "n1", .addresses = {"10.0.0.1"}},
                              {.node = "n2", .addresses = {"10.0.0.2"}}};
    Settings settings;
    ASSERT_TRUE(settings.set(Key::launch_before_node, "mount ${X}", {}));
    auto plan = plan_run(
        {.allocation = allocation, .hellos = hellos, .settings = settings, .command = {"true"}, .cwd = "/"},
        {});
    ASSERT_TRUE(plan);
    ASSERT_EQ(plan->before.size(), 2U);
    EXPECT_EQ(plan->before[1].node, 1);
    EXPECT_THAT(plan->before[1].argv, ElementsAre("sh", "-c", "mount ${$}{X}"));
    EXPECT_EQ(plan->before[1].env.at("RAILHEAD_NODE_RANK"), "1");
    EXPECT_TRUE(plan->after.empty());
}

} // namespace
} // namespace railhead
