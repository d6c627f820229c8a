#include "agent_rig.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

/// The command after the end.
class AgentAfter : public AgentRig {
  protected:
    void start_with(const std::string& script) {
        auto to = invitation();
        to.after_s = after_node_within_s;
        start_agent(to);
        ASSERT_TRUE(until([this] { return hello.has_value(); })) << agent_output();
        auto process = shell("after.n1", script);
        process.role = Role::after;
        run_process(process);
        run_process(shell("known", "true")); // orders come in turn
        ASSERT_TRUE(await(Event::Type::exited, "known"));
    }
    std::string written() const { return text_of(base + "/after"); }
    std::string script(const std::string& more = "") const {
        return "echo $RAILHEAD_EXIT_CODE $RAILHEAD_CAUSE $(ls " + base + " | grep -c gone) > " + base +
               "/after" + more;
    }
};

TEST_F(AgentAfter, runs_when_all_else_has_ended_and_knows_how_the_launch_did) {
    start_with(script("; exit 5"));
    run_process(
        shell("a", "trap 'touch " + base + "/gone; exit' TERM; echo up; while :; do sleep 0.1; done"));
    ASSERT_TRUE(until([this] { return text_of(dir() + "/logs/a.log") == "up\n"; }));
    EXPECT_FALSE(event(Event::Type::started, "after.n1"));
    send({.type = Order::Type::leave, .text = "3 exit", .seconds = 5});
    EXPECT_TRUE(until([this] { return ended(); }));
    EXPECT_EQ(written(), "3 exit 1\n") << "the other had ended";
    ASSERT_TRUE(event(Event::Type::exited, "after.n1"));
    EXPECT_EQ(event(Event::Type::exited, "after.n1")->ended->code, 5);
    expect_nothing_left();
}

TEST_F(AgentAfter, runs_when_slurm_tells_the_agent_to_end) {
    start_with("sleep 1; " + script());
    kill(watcher, SIGTERM);
    EXPECT_TRUE(until([this] { return ended(); }));
    EXPECT_EQ(written(), "109 cancelled 0\n");
    expect_nothing_left();
}

TEST_F(AgentAfter, leaves_nothing_of_its_own) {
    start_with("setsid -f sleep 1000; " + script());
    leave(0.3);
    EXPECT_EQ(written(), "0\n") << "no supervisor said how it ended";
    expect_nothing_left();
}

} // namespace
} // namespace railhead
