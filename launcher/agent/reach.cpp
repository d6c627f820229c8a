#include "launcher/agent/reach.hpp"

#include "base/fd.hpp"
#include "base/number.hpp"
#include "launcher/agent/addresses.hpp"

#include <fmt/core.h>

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace railhead {
namespace {

constexpr int within_ms = 10'000;

/// 0, or the errno that tells why not.
int try_to_connect(const std::string& address, std::uint16_t port) {
    auto place = socket_address(address, port);
    if (!place) return EADDRNOTAVAIL;
    const auto* raw = reinterpret_cast<const sockaddr*>(&place->first);
    UniqueFd tried(socket(raw->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!tried) return errno;
    if (connect(tried.get(), raw, place->second) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd waiting{.fd = tried.get(), .events = POLLOUT, .revents = 0};
    if (poll(&waiting, 1, within_ms) == 0) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(tried.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

} // namespace

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
