#include "preflight/nccl_channel.hpp"

#include <charconv>

namespace railhead::nccl {
namespace {

bool skip(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

bool skip_past(std::string_view& text, std::string_view word) {
    auto at = text.find(word);
    if (at == text.npos) return false;
    text.remove_prefix(at + word.size());
    return true;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool number(std::string_view& text, std::uint32_t& value) {
    auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return true;
}

/// "8[1a000]", whose brackets hold a bus or a device, or are not there (2.4).
bool rank(std::string_view& text, std::uint32_t& value) {
    if (!number(text, value) || value >= most_ranks) return false;
    return !text.starts_with('[') || skip_past(text, "]");
}

/// "NET/AWS Libfabric/0(3)/GDRDMA": the name ends where a number follows.
bool read_network(std::string_view text, Channel& channel) {
    for (std::size_t at = text.find('/', 4); at != text.npos && at + 1 < text.size();
         at = text.find('/', at + 1)) {
        if (!is_digit(text[at + 1])) continue;
        channel.transport = text.substr(0, at);
        text.remove_prefix(at + 1);
        std::uint32_t nic = 0;
        if (!number(text, nic)) return false;
        channel.nic = nic;
        channel.is_direct = text.find("/GDRDMA") != text.npos;
        return true;
    }
    return false;
}

/// "P2P/IPC/read" is P2P/IPC, "SHM/direct/direct" SHM: the rest is how the ends lie in memory.
std::string_view kind_of(std::string_view text) {
    constexpr std::string_view shared = "SHM";
    if (text.starts_with(shared) || text == "direct shared memory") return shared; // the latter up to 2.8
    auto first = text.find('/');
    if (first == text.npos) return text.substr(0, text.find(' '));
    return text.substr(0, text.find_first_of("/[", first + 1));
}

} // namespace

std::optional<Channel> channel_from(std::string_view message) {
    if (!message.starts_with("Channel ") && !message.starts_with("Ring ")) return std::nullopt;
    Channel channel;
    if (!skip_past(message, " : ") || !rank(message, channel.from) || !skip(message, " -> ") ||
        !rank(message, channel.to))
        return std::nullopt;
    if (skip(message, " [send]"))
        channel.side = Side::send;
    else if (skip(message, " [receive]"))
        channel.side = Side::receive;
    if (!skip(message, " via ")) return std::nullopt;
    auto way = message.substr(0, message.find(" comm 0x")); // RCCL's
    if (!is_network(way))
        channel.transport = kind_of(way);
    else if (!read_network(way, channel))
        return std::nullopt;
    if (channel.transport.empty()) return std::nullopt;
    return channel;
}

} // namespace railhead::nccl
