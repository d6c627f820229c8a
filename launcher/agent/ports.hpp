#pragma once
#include "base/error.hpp"
#include "base/fd.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace railhead {

struct PortRange {
    std::uint16_t low = 0, high = 0; ///< inclusive
    bool operator==(const PortRange&) const = default;
};

/// "20000-29999"; error (usage) says what was seen and expected.
Result<PortRange> port_range_from(std::string_view text);
/// Two numbers as in /proc/sys/net/ipv4/ip_local_port_range; {0, 0} when unreadable.
PortRange ephemeral_range_from(std::string_view text);

/// The ports of `range` outside `ephemeral`, ascending from a place that `seed` picks and round again.
std::vector<std::uint16_t> ports_to_try(PortRange range, PortRange ephemeral, std::uint32_t seed);

/// Ports that this agent promised to programs which bind them later. A reservation is an abstract socket
/// "@railhead/port/N": the same scope as the port itself (the network namespace), seen by every launch of
/// every user there, gone with its holder.
class PortReservations {
  public:
    /// A port that nobody else reserved and that could be bound on all addresses just now. Error
    /// (bringup_failed) when the range holds none. With an owner it is listened to until hand_over: nobody
    /// else gets it, and other nodes can try whether they reach it.
    Result<std::uint16_t> reserve(PortRange range, std::uint32_t seed, const std::string& owner = {});
    /// The owner starts now, and binds its ports itself.
    void hand_over(const std::string& owner);

  private:
    struct Held {
        UniqueFd name, listener;
        std::string owner;
    };
    std::map<std::uint16_t, Held> held_;
};

} // namespace railhead
