#pragma once
#include "base/error.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace railhead {

/// An address that this node has.
struct InterfaceAddress {
    std::string interface; ///< "ib0"
    std::string address;   ///< without prefix length, brackets or zone
    bool loopback = false;
    bool operator==(const InterfaceAddress&) const = default;
};

/// What the settings launch.interface, launch.subnet and launch.ip_version ask for; empty: anything.
struct AddressPolicy {
    std::string interface;  ///< a name, or several with commas; a trailing * is a prefix: "ib*"
    std::string subnet;     ///< "10.1.0.0/16" or "fd00::/8"
    std::string ip_version; ///< "4", "6" or "any"
};

/// The addresses that `policy` allows, the announced one first: the one that the route to the supervisor
/// starts from if it is allowed, else the first in the system's order. Loopback counts only when nothing else
/// is there or the policy names it. Link-local IPv6 addresses never count: they mean nothing on another node.
/// Error (bringup_failed) when none is left: says what the node has.
Result<std::vector<std::string>> choose_addresses(const std::vector<InterfaceAddress>& have,
                                                  const AddressPolicy& policy,
                                                  const std::optional<std::string>& route_source);

/// "10.1.2.3" in "10.1.0.0/16". False for texts that are none.
bool in_subnet(const std::string& address, const std::string& subnet);

/// Ready for connect(2); absent when the text is no address.
std::optional<std::pair<sockaddr_storage, socklen_t>> socket_address(const std::string& text,
                                                                     std::uint16_t port);

/// From getifaddrs: interfaces that are up.
std::vector<InterfaceAddress> addresses_of_node();

/// The local address from which packets to one of `peers` would leave, by the routing table; nothing is sent.
std::optional<std::string> route_source_to(const std::vector<std::string>& peers);

} // namespace railhead
