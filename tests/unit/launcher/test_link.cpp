#include "launcher/link.hpp"

#include <gtest/gtest.h>

using namespace railhead;

namespace {
Frame event(std::string id) {
    return {.type = Frame::Type::event, .body = Event{.id = std::move(id)}};
}
Frame parsed(const std::string& line) {
    return *frame_from(line);
}
} // namespace

TEST(Link, a_broken_connection_loses_nothing_and_repeats_nothing) {
    Link agent, supervisor;
    auto first = agent.send(event("a"));
    auto second = agent.send(event("b"));
    EXPECT_EQ(supervisor.receive(parsed(first)), Link::Kind::fresh);
    // `second` is lost with its connection; the new one resends what the supervisor lacks.
    auto again = agent.resend_after(supervisor.last_received());
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0], second);
    EXPECT_EQ(supervisor.receive(parsed(again[0])), Link::Kind::fresh);
    EXPECT_EQ(supervisor.receive(parsed(second)), Link::Kind::seen);
}

TEST(Link, a_gap_is_told_apart_from_a_repetition) {
    Link agent, supervisor;
    agent.send(event("a"));
    auto second = agent.send(event("b"));
    EXPECT_EQ(supervisor.receive(parsed(second)), Link::Kind::gap);
    EXPECT_EQ(supervisor.last_received(), 0u);
}

TEST(Link, what_is_acknowledged_is_forgotten) {
    Link agent;
    agent.send(event("a"));
    agent.send(event("b"));
    agent.acknowledged(1);
    EXPECT_EQ(agent.unacknowledged(), 1u);
    agent.acknowledged(2);
    EXPECT_TRUE(agent.resend_after(2).empty());
}

TEST(Link, keeps_a_bounded_number_of_frames) {
    Link agent;
    for (std::size_t i = 0; i < Link::max_unacknowledged; ++i) ASSERT_FALSE(agent.send(event("x")).empty());
    EXPECT_TRUE(agent.send(event("one too many")).empty());
}
