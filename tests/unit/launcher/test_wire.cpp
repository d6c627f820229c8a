#include "launcher/wire.hpp"

#include <gtest/gtest.h>

using namespace railhead;

TEST(Wire, an_order_survives_the_trip) {
    Process process{
        .id = "head", .node = 0, .role = Role::service, .argv = {"ray", "start"}, .env = {{"A", "b"}}};
    process.release = Release{{"head.gcs"}, "${head.gcs}"};
    Frame frame{.type = Frame::Type::order,
                .seq = 7,
                .body = Order{.type = Order::Type::start, .id = "head", .process = process}};
    auto back = frame_from(to_line(frame));
    ASSERT_TRUE(back) << sentence(back.error());
    EXPECT_EQ(back->seq, 7u);
    EXPECT_EQ(std::get<Order>(back->body).process, process);
}

TEST(Wire, how_a_process_ended_survives_the_trip) {
    Frame frame{.type = Frame::Type::event,
                .body = Event{.type = Event::Type::exited, .ended = Ended{.signal = 9, .oom = true}}};
    auto back = frame_from(to_line(frame));
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<Event>(back->body).ended, (Ended{.signal = 9, .oom = true}));
}

TEST(Wire, a_long_log_is_cut_from_its_front_to_fit_a_frame) {
    Event event{.type = Event::Type::log_tail};
    for (int i = 0; i < 2000; ++i) event.lines.push_back("line " + std::to_string(i) + std::string(100, '.'));
    auto line = to_line(Frame{.type = Frame::Type::event, .body = event});
    EXPECT_LE(line.size(), max_event_bytes);
    auto back = frame_from(line);
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<Event>(back->body).lines.back(), event.lines.back());
}

TEST(Wire, bytes_that_are_no_text_do_not_break_the_channel) {
    Frame frame{.type = Frame::Type::event,
                .body = Event{.type = Event::Type::log_tail, .lines = {"\xff\xfe caf\xc3\xa9"}}};
    EXPECT_TRUE(frame_from(to_line(frame)));
}

struct Bad {
    const char* line;
    const char* says;
};
class WireRefuses : public testing::TestWithParam<Bad> {};

TEST_P(WireRefuses, in_one_sentence) {
    auto frame = frame_from(GetParam().line);
    ASSERT_FALSE(frame);
    EXPECT_NE(sentence(frame.error()).find(GetParam().says), std::string::npos) << sentence(frame.error());
}

INSTANTIATE_TEST_SUITE_P(
    lines, WireRefuses,
    testing::Values(Bad{"", "is no JSON object"}, Bad{"[1]", "is no JSON object"},
                    Bad{"{\"seq\":1}", "has no type"}, Bad{"{\"type\":\"sudo\"}", "has the type \"sudo\""},
                    Bad{"{\"type\":\"hello\"}", "cannot be read"},
                    Bad{"{\"type\":\"event\",\"seq\":-1,\"body\":{\"id\":5}}", "cannot be read"}));

TEST(Wire, an_invitation_survives_the_trip) {
    Invitation invitation{
        .addresses = {"10.0.0.1"}, .port = 4711, .key = std::string(64, 'a'), .launch = "abc123"};
    invitation.component = 2;
    auto back = invitation_from(to_line(invitation));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->port, 4711);
    EXPECT_EQ(back->component, 2);
    EXPECT_EQ(back->addresses, invitation.addresses);
    EXPECT_FALSE(invitation_from("nonsense"));
}
