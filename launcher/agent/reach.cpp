#include "launcher/agent/reach.hpp"

#include "base/clock.hpp"
#include "base/number.hpp"
#include "launcher/agent/addresses.hpp"

#include <fmt/core.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <sstream>

namespace railhead {
namespace {

constexpr int within_ms = 10'000;

/// Begins; `error`: 0, or the errno that tells why not.
UniqueFd begin_to_connect(const std::string& address, std::uint16_t port, int& error) {
    error = EADDRNOTAVAIL;
    auto place = socket_address(address, port);
    if (!place) return {};
    const auto* raw = reinterpret_cast<const sockaddr*>(&place->first);
    UniqueFd tried(socket(raw->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const bool begun = tried && (connect(tried.get(), raw, place->second) == 0 || errno == EINPROGRESS);
    error = begun ? 0 : errno;
    return tried;
}

int error_of(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

/// 0, or the errno that tells why not.
int try_to_connect(const std::string& address, std::uint16_t port) {
    int error = 0;
    const auto tried = begin_to_connect(address, port, error);
    if (error != 0) return error;
    pollfd waiting{.fd = tried.get(), .events = POLLOUT, .revents = 0};
    return poll(&waiting, 1, within_ms) == 0 ? ETIMEDOUT : error_of(tried.get());
}

} // namespace

std::string text_of(const std::vector<Reach>& all) {
    std::string text;
    for (const auto& each : all) text += fmt::format("{} {} {}\n", each.node, each.address, each.port);
    return text;
}

std::vector<Reach> reaches_from(const std::string& text) {
    std::vector<Reach> all;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        Reach reach;
        if (words >> reach.node >> reach.address >> reach.port && reach.port > 0)
            all.push_back(std::move(reach));
    }
    return all;
}

UniqueFd listen_anywhere(std::uint16_t& port) {
    constexpr int backlog = 4096;
    for (const auto* address : {"::", "0.0.0.0"}) {
        auto place = socket_address(address, 0);
        auto* raw = reinterpret_cast<sockaddr*>(&place->first);
        UniqueFd fd(socket(raw->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int no = 0; // IPv4 comes by the same socket
        if (fd && raw->sa_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
        socklen_t size = sizeof place->first;
        if (!fd || bind(fd.get(), raw, place->second) != 0 || listen(fd.get(), backlog) != 0 ||
            getsockname(fd.get(), raw, &size) != 0)
            continue;
        // The port is at the same place in both kinds of addresses.
        port = ntohs(reinterpret_cast<const sockaddr_in*>(raw)->sin_port);
        return fd;
    }
    return {};
}

std::vector<std::string> unreached(const std::vector<Reach>& all, double within_s) {
    std::vector<std::string> lines;
    std::vector<pollfd> waiting;
    std::vector<UniqueFd> sockets;
    std::vector<const Reach*> whose;
    auto add = [&](const Reach& reach, int error) {
        if (error != 0)
            lines.push_back(fmt::format("{} {} {}", reach.node, reach.address, std::strerror(error)));
    };
    for (const auto& each : all) {
        int error = 0;
        auto socket = begin_to_connect(each.address, each.port, error);
        if (error != 0) {
            add(each, error);
            continue;
        }
        waiting.push_back({.fd = socket.get(), .events = POLLOUT, .revents = 0});
        sockets.push_back(std::move(socket));
        whose.push_back(&each);
    }
    const auto deadline = Deadline::in(within_s);
    auto left = waiting.size();
    while (left > 0 && !deadline.passed() &&
           poll(waiting.data(), waiting.size(), static_cast<int>(deadline.left_s() * 1000) + 1) >= 0)
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
            add(*whose[i], error_of(waiting[i].fd));
            waiting[i].fd = -1; // poll(2) passes it by
            --left;
        }
    for (std::size_t i = 0; i < waiting.size(); ++i)
        if (waiting[i].fd >= 0) add(*whose[i], ETIMEDOUT);
    return lines;
}

bool can_connect(const std::string& address, std::uint16_t port) {
    return try_to_connect(address, port) == 0;
}

int run_reach(const std::vector<std::string>& words) {
    const auto port = words.size() == 3 ? whole_number<std::uint16_t>(words[2]) : std::nullopt;
    if (!port) return exit_code(ErrorKind::usage);
    const auto error = try_to_connect(words[1], *port);
    if (error == 0) return 0;
    const bool six = words[1].find(':') != std::string::npos;
    fmt::print(stderr, "railhead: cannot connect to {} at {}{}{}:{} ({})\n", words[0], six ? "[" : "",
               words[1], six ? "]" : "", *port, std::strerror(error));
    return 1;
}

} // namespace railhead
