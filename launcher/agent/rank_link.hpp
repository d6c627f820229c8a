#pragma once
#include "base/error.hpp"
#include "base/fd.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace railhead {

// The socket between `railhead ranks` and each `railhead task`: a message is a packet. A task says a record
// (agent/task.hpp) when it starts, and one when its rank has ended; `railhead ranks` says signals.

/// "15 2": a signal for the rank, and how many seconds it has if `railhead ranks` is gone after it.
struct Told {
    int signal = 0;
    double grace_s = 0;
};
std::string packet_of(const Told& told);
std::optional<Told> told_from(std::string_view packet);

Result<UniqueFd> listen_for_tasks(const std::string& path);
/// Of this user only; invalid: nobody came, or somebody else.
UniqueFd accept_task(int listener);
Result<UniqueFd> connect_to_ranks(const std::string& path);

/// False: the other side is gone.
bool send_packet(int fd, std::string_view packet);
/// Empty: the other side is gone. Blocks until there is one.
std::string receive_packet(int fd);

} // namespace railhead
