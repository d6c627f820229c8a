// When a launch that failed starts again inside its job.
#include "launcher/supervisor/restarts.hpp"

#include <gtest/gtest.h>

using namespace railhead;

namespace {

Restarts restarts(const std::string& on_loss, const std::string& budgets, int nodes = 4) {
    return {*on_loss_from(on_loss), *budgets_from(budgets), nodes};
}

Outcome failed(const std::string& kind, const std::string& node = "node2") {
    Outcome outcome{.exit_code = 3};
    outcome.cause = {.kind = kind, .node = node, .sentence = "rank 1 on node2 ended with exit code 3"};
    return outcome;
}

std::string said(Restarts& restarts, Outcome outcome, int present) {
    auto again = restarts.after(outcome, present, "");
    return again ? again->text : "end: " + outcome.cause.sentence;
}

} // namespace

TEST(Restarts, none_without_a_budget) {
    auto none = restarts("fail", "0");
    EXPECT_EQ(said(none, failed("exit"), 4), "end: rank 1 on node2 ended with exit code 3");
    EXPECT_TRUE(none.causes().empty());
}

TEST(Restarts, a_budget_for_each_cause_with_pauses_that_grow) {
    auto some = restarts("fail", "exit:2,out-of-memory:1");
    EXPECT_EQ(said(some, failed("exit"), 4), "starting again in 1 s (restart 1 of 2)");
    EXPECT_EQ(said(some, failed("out-of-memory"), 4), "starting again in 1 s (restart 1 of 1)");
    EXPECT_EQ(said(some, failed("exit"), 4), "starting again in 2 s (restart 2 of 2)");
    auto last = failed("exit");
    EXPECT_FALSE(some.after(last, 4, ""));
    EXPECT_EQ(last.exit_code, 112);
    EXPECT_EQ(last.cause.kind, "restart-budget-spent");
    EXPECT_EQ(last.cause.sentence,
              "rank 1 on node2 ended with exit code 3; not started again: it was started "
              "2 times again (--restarts)");
    EXPECT_EQ(some.causes().size(), 3U);
}

TEST(Restarts, a_number_is_for_what_another_start_may_cure) {
    for (const auto* kind : {"exit", "signal", "nccl-failed", "service-died"}) {
        auto three = restarts("fail", "3");
        EXPECT_EQ(said(three, failed(kind), 4), "starting again in 1 s (restart 1 of 3)") << kind;
    }
    for (const auto* kind : {"out-of-memory", "time-limit", "cancelled", "usage", "node-lost", "internal"}) {
        auto three = restarts("fail", "3");
        EXPECT_EQ(said(three, failed(kind), 4), "end: rank 1 on node2 ended with exit code 3") << kind;
    }
}

TEST(Restarts, no_progress_no_restart) {
    auto three = restarts("fail", "3");
    EXPECT_EQ(said(three, failed("exit"), 4), "starting again in 1 s (restart 1 of 3)");
    auto stuck = failed("exit");
    EXPECT_FALSE(three.after(stuck, 4, "ckpt/last (--progress) is not there"));
    EXPECT_EQ(stuck.exit_code, 111);
    EXPECT_EQ(stuck.cause.kind, "no-progress");
    EXPECT_EQ(stuck.cause.sentence, "rank 1 on node2 ended with exit code 3; not started again: ckpt/last "
                                    "(--progress) is not there");
}

TEST(Restarts, shrink_goes_on_until_too_few_nodes_are_left) {
    auto shrink = restarts("shrink:2", "0");
    EXPECT_EQ(said(shrink, failed("node-lost"), 3), "starting again on 3 nodes (--on-loss shrink:2)");
    EXPECT_EQ(said(shrink, failed("node-lost"), 2), "starting again on 2 nodes (--on-loss shrink:2)");
    EXPECT_EQ(said(shrink, failed("node-lost"), 1),
              "end: rank 1 on node2 ended with exit code 3; 1 node is left, and --on-loss shrink:2 needs 2");
    EXPECT_EQ(said(shrink, failed("node-lost", ""), 3), "end: rank 1 on node2 ended with exit code 3")
        << "the supervisor's own pause is no loss of a node";
}

TEST(Restarts, a_spare_takes_the_place_of_a_lost_node) {
    auto spare = restarts("spare:1", "0");
    EXPECT_EQ(spare.nodes_to_use(4), 3);
    EXPECT_EQ(said(spare, failed("node-lost"), 3), "starting again on 3 nodes (--on-loss spare:1)");
    EXPECT_EQ(spare.nodes_to_use(3), 3);
    EXPECT_EQ(said(spare, failed("node-lost"), 2),
              "end: rank 1 on node2 ended with exit code 3; 2 nodes are left, and --on-loss spare:1 needs 3");
}

TEST(Restarts, another_port_three_times) {
    auto none = restarts("fail", "0");
    auto taken = failed("exit");
    taken.port_taken = "port 20001 of node1 was taken";
    for (int time = 1; time <= 3; ++time)
        EXPECT_EQ(said(none, taken, 4), "starting again with another (" + std::to_string(time) + " of 3)");
    EXPECT_EQ(said(none, taken, 4), "end: rank 1 on node2 ended with exit code 3");
}

TEST(Restarts, options_that_cannot_be_read_are_refused) {
    for (const auto* text : {"", "shrink", "shrink:", "shrink:0", "shrink:x", "spare:-1", "never", "fail:1"})
        EXPECT_FALSE(on_loss_from(text)) << text;
    for (const auto* text : {"x", "exit", "exit:", "exit:-1", "time-limit:2", "3;4", "exit:1:2", "", ",",
                             "exit:1,", ",exit:1", ":2", "node-lost:1", "exit:1,exit:1", "3,4"})
        EXPECT_FALSE(budgets_from(text)) << text;
    EXPECT_EQ(sentence(budgets_from("exit:1,signal:1,exit:2").error()),
              "--restarts exit:1,signal:1,exit:2 names exit twice (expected each cause once, with its number "
              "of restarts)");
    EXPECT_EQ(sentence(budgets_from("3,4").error()),
              "--restarts 3,4 has two numbers for all causes (expected each cause once, with its number of "
              "restarts)");
    EXPECT_EQ(sentence(budgets_from("exot:2").error()),
              "--restarts exot:2 cannot be understood (expected a number of restarts such as 3, or causes "
              "with one each such "
              "as exit:2,out-of-memory:1 (exit, signal, nccl-failed, service-died, out-of-memory, "
              "bring-up-failed))");
    EXPECT_EQ(budgets_from("3,exit:1")->at("signal"), 3);
    EXPECT_EQ(budgets_from("3,exit:1")->at("exit"), 1);
    EXPECT_EQ(budgets_from("exit:1,3")->at("exit"), 1);
}
