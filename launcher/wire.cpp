#include "launcher/wire.hpp"

#include "launcher/json.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace railhead {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<Frame::Type, std::string_view>, 7> frame_types{{
    {Frame::Type::hello, "hello"},
    {Frame::Type::event, "event"},
    {Frame::Type::order, "order"},
    {Frame::Type::ack, "ack"},
    {Frame::Type::ping, "ping"},
    {Frame::Type::welcome, "welcome"},
    {Frame::Type::terminal, "terminal"},
}};

std::string_view name_of(Frame::Type type) {
    for (auto& [value, name] : frame_types)
        if (value == type) return name;
    return "ping";
}

tl::unexpected<Error> bad_line(std::string seen, std::string expected) {
    return fail(ErrorKind::internal, {.id = "channel-message",
                                      .thing = "a message of the control channel",
                                      .seen = std::move(seen),
                                      .expected = std::move(expected),
                                      .next = "check that the same railhead is installed on every node"});
}

json body_of(const Frame& frame) {
    if (auto* hello = std::get_if<Hello>(&frame.body)) return *hello;
    if (auto* event = std::get_if<Event>(&frame.body)) return *event;
    if (auto* order = std::get_if<Order>(&frame.body)) return *order;
    return nullptr;
}

// Log lines are the only unbounded part of what agents say: the oldest go first.
void shorten(Event& event, std::size_t excess) {
    std::size_t gone = 0;
    auto keep = event.lines.begin();
    while (keep != event.lines.end() && gone < excess) gone += (keep++)->size();
    event.lines.erase(event.lines.begin(), keep);
    if (gone < excess)
        event.value.resize(event.value.size() > excess - gone ? event.value.size() - (excess - gone) : 0);
}

std::string text_of(const Frame& frame) {
    json line{{"type", name_of(frame.type)}, {"seq", frame.seq}};
    if (auto body = body_of(frame); !body.is_null()) line["body"] = std::move(body);
    return json_text(line) + "\n";
}

Result<Frame> typed(const json& line) {
    auto type = line.find("type");
    if (type == line.end() || !type->is_string()) return bad_line("has no type", "a string in \"type\"");
    const auto& text = type->get_ref<const std::string&>();
    for (auto& [value, name] : frame_types)
        if (name == text) return Frame{.type = value};
    return bad_line(fmt::format("has the type \"{}\"", text.substr(0, 40)),
                    "hello, event, order, ack, ping or welcome");
}

void read_body(const json& line, Frame& frame) {
    frame.seq = line.value("seq", std::uint64_t{0});
    switch (frame.type) {
    case Frame::Type::hello:
        frame.body = line.at("body").get<Hello>();
        break;
    case Frame::Type::event:
        frame.body = line.at("body").get<Event>();
        break;
    case Frame::Type::order:
        frame.body = line.at("body").get<Order>();
        break;
    case Frame::Type::terminal:
        frame.body = line.at("body").get<Event>();
        break;
    case Frame::Type::ack:
    case Frame::Type::ping:
    case Frame::Type::welcome:
        break;
    }
}

} // namespace

std::string to_line(const Frame& frame) {
    auto line = text_of(frame);
    if (line.size() <= max_event_bytes) return line;
    Frame shorter = frame;
    auto* event = std::get_if<Event>(&shorter.body);
    for (int round = 0; event && line.size() > max_event_bytes && round < 8; ++round) {
        shorten(*event, line.size() - max_event_bytes + 16);
        line = text_of(shorter);
    }
    return line;
}

Result<Frame> frame_from(std::string_view text) {
    if (text.size() > max_frame_bytes)
        return bad_line(fmt::format("has {} bytes", text.size()), fmt::format("at most {}", max_frame_bytes));
    auto line = json::parse(text, nullptr, false);
    if (!line.is_object()) return bad_line("is no JSON object", "one object per line");
    auto frame = typed(line);
    if (!frame) return frame;
    try {
        read_body(line, *frame);
    } catch (const json::exception& error) {
        return bad_line(fmt::format("cannot be read: {}", error.what()), "the fields of launcher/wire.hpp");
    }
    return frame;
}

std::string to_line(const Invitation& invitation) {
    return json_text(invitation) + "\n";
}

Result<Invitation> invitation_from(std::string_view text) {
    auto line = json::parse(text, nullptr, false);
    if (!line.is_object())
        return bad_line("is no JSON object", "the invitation that railhead writes to srun");
    try {
        return line.get<Invitation>();
    } catch (const json::exception& error) {
        return bad_line(fmt::format("cannot be read: {}", error.what()), "the fields of an invitation");
    }
}

} // namespace railhead
