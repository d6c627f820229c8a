#include "launcher/agent/room.hpp"

#include "launcher/agent/node_limits.hpp"

#include <utility>

namespace railhead {
namespace {
constexpr double room_look_every_s = 1;
} // namespace

RoomWatch::RoomWatch(Loop& loop, std::string node, std::string dir, std::function<void(Event)> send)
    : loop_(loop), node_(std::move(node)), dir_(std::move(dir)), send_(std::move(send)) {
    if (!dir_.empty()) look();
}

void RoomWatch::look() {
    const bool full = free_bytes(dir_) == 0U || free_files(dir_) == 0U;
    if (!full) {
        timer_ = loop_.after(room_look_every_s, [this] { look(); });
        return;
    }
    Finding finding{.id = std::string(no_room),
                    .level = Level::warn,
                    .where = node_,
                    .thing = "the file system of " + dir_,
                    .seen = "is full",
                    .next = "remove what fills it, or choose another with --tmp"};
    send_({.type = Event::Type::finding, .finding = std::move(finding)});
}

} // namespace railhead
