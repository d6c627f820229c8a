#include "launcher/agent/addresses.hpp"

#include "base/fd.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace railhead {
namespace {

/// An address as bytes: 4 or 16 of them.
struct Bytes {
    std::array<unsigned char, 16> at{};
    unsigned size = 0;
};

std::optional<Bytes> bytes_of(const std::string& text) {
    Bytes bytes;
    if (inet_pton(AF_INET, text.c_str(), bytes.at.data()) == 1) {
        bytes.size = 4;
        return bytes;
    }
    if (inet_pton(AF_INET6, text.c_str(), bytes.at.data()) == 1) {
        bytes.size = 16;
        return bytes;
    }
    return std::nullopt;
}

bool link_local(const std::string& address) {
    auto bytes = bytes_of(address);
    return bytes && bytes->size == 16 && bytes->at[0] == 0xfe && (bytes->at[1] & 0xc0) == 0x80;
}

bool named(const std::string& interface, std::string_view wanted) {
    while (!wanted.empty()) {
        auto comma = wanted.find(',');
        auto name = wanted.substr(0, comma);
        bool prefix = !name.empty() && name.back() == '*';
        if (prefix) name.remove_suffix(1);
        if (prefix ? interface.compare(0, name.size(), name) == 0 : interface == name) return true;
        wanted.remove_prefix(comma == std::string_view::npos ? wanted.size() : comma + 1);
    }
    return false;
}

bool allowed(const InterfaceAddress& entry, const AddressPolicy& policy) {
    if (link_local(entry.address)) return false;
    bool six = entry.address.find(':') != std::string::npos;
    if (policy.ip_version == "4" && six) return false;
    if (policy.ip_version == "6" && !six) return false;
    if (!policy.interface.empty() && !named(entry.interface, policy.interface)) return false;
    return policy.subnet.empty() || in_subnet(entry.address, policy.subnet);
}

tl::unexpected<Error> none_left(const std::vector<InterfaceAddress>& have, const AddressPolicy& policy) {
    std::string seen, asked;
    for (auto& entry : have) seen += (seen.empty() ? "" : ", ") + entry.interface + " " + entry.address;
    for (auto& [setting, value] : {std::pair{"launch.interface", policy.interface},
                                   {"launch.subnet", policy.subnet},
                                   {"launch.ip_version", policy.ip_version}})
        if (!value.empty() && value != "any")
            asked += (asked.empty() ? "" : ", ") + std::string(setting) + " " + value;
    return fail(ErrorKind::bringup_failed,
                {.id = "address-policy",
                 .thing = "no address",
                 .seen = "can be announced: the node has " + (seen.empty() ? "none" : seen),
                 .expected = asked.empty() ? "an address that other nodes reach" : asked,
                 .next = asked.empty() ? "give the node an address" : "change that setting"});
}

std::optional<std::string> text_of(const sockaddr* address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
    else if (address && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
    if (!*text) return std::nullopt;
    return text;
}

} // namespace

std::optional<std::pair<sockaddr_storage, socklen_t>> socket_address(const std::string& text,
                                                                     std::uint16_t port) {
    sockaddr_storage storage{};
    if (auto* four = reinterpret_cast<sockaddr_in*>(&storage);
        inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return std::pair{storage, static_cast<socklen_t>(sizeof *four)};
    }
    storage = {};
    if (auto* six = reinterpret_cast<sockaddr_in6*>(&storage);
        inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        return std::pair{storage, static_cast<socklen_t>(sizeof *six)};
    }
    return std::nullopt;
}

bool in_subnet(const std::string& address, const std::string& subnet) {
    auto slash = subnet.find('/');
    auto base = bytes_of(subnet.substr(0, slash)), mine = bytes_of(address);
    if (!base || !mine || base->size != mine->size) return false;
    unsigned bits = base->size * 8;
    if (slash != std::string::npos) {
        const char* end = subnet.data() + subnet.size();
        auto [stop, error] = std::from_chars(subnet.data() + slash + 1, end, bits);
        if (error != std::errc() || stop != end || bits > base->size * 8) return false;
    }
    for (unsigned bit = 0; bit < bits; ++bit) {
        unsigned char mask = static_cast<unsigned char>(0x80U >> (bit % 8));
        if ((base->at[bit / 8] & mask) != (mine->at[bit / 8] & mask)) return false;
    }
    return true;
}

Result<std::vector<std::string>> choose_addresses(const std::vector<InterfaceAddress>& have,
                                                  const AddressPolicy& policy,
                                                  const std::optional<std::string>& route_source) {
    std::vector<InterfaceAddress> fitting;
    std::copy_if(have.begin(), have.end(), std::back_inserter(fitting),
                 [&](auto& entry) { return allowed(entry, policy); });
    bool only_loopback = std::all_of(fitting.begin(), fitting.end(), [](auto& e) { return e.loopback; });
    if (!only_loopback) std::erase_if(fitting, [](auto& entry) { return entry.loopback; });
    if (fitting.empty()) return none_left(have, policy);
    std::stable_partition(fitting.begin(), fitting.end(),
                          [&](auto& entry) { return route_source && entry.address == *route_source; });
    std::vector<std::string> chosen;
    for (auto& entry : fitting) chosen.push_back(entry.address);
    return chosen;
}

std::vector<InterfaceAddress> addresses_of_node() {
    std::vector<InterfaceAddress> found;
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return found;
    for (auto* entry = first; entry; entry = entry->ifa_next) {
        auto address = text_of(entry->ifa_addr);
        if (!address || !(entry->ifa_flags & IFF_UP)) continue;
        found.push_back({entry->ifa_name, *address, (entry->ifa_flags & IFF_LOOPBACK) != 0});
    }
    freeifaddrs(first);
    return found;
}

std::optional<std::string> route_source_to(const std::vector<std::string>& peers) {
    for (auto& peer : peers) {
        auto address = socket_address(peer, 9); // discard(9): any will do
        if (!address) continue;
        auto* raw = reinterpret_cast<sockaddr*>(&address->first);
        UniqueFd probe(socket(raw->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        // Connecting a datagram socket asks the routing table and sends nothing.
        if (!probe || connect(probe.get(), raw, address->second) != 0) continue;
        sockaddr_storage local{};
        socklen_t size = sizeof local;
        if (getsockname(probe.get(), reinterpret_cast<sockaddr*>(&local), &size) != 0) continue;
        if (auto text = text_of(reinterpret_cast<sockaddr*>(&local))) return text;
    }
    return std::nullopt;
}

} // namespace railhead
