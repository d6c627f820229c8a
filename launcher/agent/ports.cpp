#include "launcher/agent/ports.hpp"

#include "launcher/agent/files.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>

namespace railhead {
namespace {

bool take(std::string_view& text, unsigned& value) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

/// Holds the name for as long as the descriptor lives; invalid when another holds it.
UniqueFd hold_name(std::uint16_t port) {
    UniqueFd holder(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto name = "railhead/port/" + std::to_string(port);
    std::memcpy(address.sun_path + 1, name.data(), name.size()); // the leading zero makes it abstract
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (!holder || bind(holder.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return UniqueFd();
    return holder;
}

/// Invalid when it is taken. Binds without SO_REUSEADDR, so that a port with old connections counts as taken.
UniqueFd bind_all(std::uint16_t port) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6; // all addresses of both versions
    six.sin6_port = htons(port);
    UniqueFd both(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (both)
        return bind(both.get(), reinterpret_cast<sockaddr*>(&six), sizeof six) == 0 ? std::move(both)
                                                                                    : UniqueFd();
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    UniqueFd only(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    bool bound = only && bind(only.get(), reinterpret_cast<sockaddr*>(&four), sizeof four) == 0;
    return bound ? std::move(only) : UniqueFd();
}

} // namespace

Result<PortRange> port_range_from(std::string_view text) {
    unsigned low = 0, high = 0;
    auto rest = text;
    bool good = take(rest, low) && rest.substr(0, 1) == "-";
    if (good) rest.remove_prefix(1);
    good = good && take(rest, high) && rest.empty() && low >= 1 && low <= high && high <= 65535;
    if (good) return PortRange{static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(high)};
    return fail(ErrorKind::usage, {.id = "port-range",
                                   .thing = "the port range",
                                   .seen = "is \"" + std::string(text) + "\"",
                                   .expected = "LOW-HIGH with 1 <= LOW <= HIGH <= 65535",
                                   .next = "correct launch.ports or --ports"});
}

PortRange ephemeral_range_from(std::string_view text) {
    unsigned low = 0, high = 0;
    if (!take(text, low)) return {};
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    if (!take(text, high) || high > 65535 || low > high) return {};
    return {static_cast<std::uint16_t>(low), static_cast<std::uint16_t>(high)};
}

std::vector<std::uint16_t> ports_to_try(PortRange range, PortRange ephemeral, std::uint32_t seed) {
    std::vector<std::uint16_t> ports;
    auto count = static_cast<std::uint32_t>(range.high - range.low + 1);
    for (std::uint32_t step = 0; step < count; ++step) {
        auto port = static_cast<std::uint16_t>(range.low + (seed + step) % count);
        if (port < ephemeral.low || port > ephemeral.high) ports.push_back(port);
    }
    return ports;
}

Result<std::uint16_t> PortReservations::reserve(PortRange range, std::uint32_t seed,
                                                const std::string& owner) {
    auto ephemeral =
        ephemeral_range_from(read_text("/proc/sys/net/ipv4/ip_local_port_range").value_or(std::string()));
    auto ports = ports_to_try(range, ephemeral, seed % (range.high - range.low + 1U));
    for (auto port : ports) {
        auto holder = hold_name(port);
        if (!holder) continue;
        auto bound = bind_all(port);
        if (!bound || (!owner.empty() && listen(bound.get(), SOMAXCONN) != 0)) continue;
        // Who only tries whether it is reached needs no accept(2): the kernel has connected it.
        held_[port] = {std::move(holder), owner.empty() ? UniqueFd() : std::move(bound), owner};
        return port;
    }
    std::string seen = "are all taken";
    if (ports.empty()) seen = "all lie in the kernel's ephemeral range";
    if (!held_.empty()) seen += ", " + std::to_string(held_.size()) + " of them by this launch itself";
    auto text = std::to_string(range.low) + "-" + std::to_string(range.high);
    return fail(ErrorKind::bringup_failed,
                {.id = "ports-taken",
                 .thing = "ports " + text,
                 .seen = seen,
                 .expected = "one more port that is free and outside ip_local_port_range (" +
                             std::to_string(ephemeral.low) + "-" + std::to_string(ephemeral.high) + ")",
                 .next = "give another or a wider range (--ports LOW-HIGH)"});
}

void PortReservations::hand_over(const std::string& owner) {
    for (auto& [port, held] : held_)
        if (held.owner == owner) held.listener.reset();
}

} // namespace railhead
