#include "launcher/agent/port_watch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace railhead {
namespace {

constexpr double longest_pause_s = 0.1;
constexpr double answer_within_s =
    1; ///< a packet may be dropped: then a fresh attempt is sooner than a resend

/// A connection to a port of one's own that nobody listens on can meet itself: simultaneous open, tcp(7).
bool met_itself(int socket, const Endpoint& endpoint) {
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    if (getsockname(socket, reinterpret_cast<sockaddr*>(&local), &size) != 0) return false;
    return size == endpoint.size && std::memcmp(&local, &endpoint.address, size) == 0;
}

} // namespace

Result<Endpoint> endpoint_from(std::string_view text) {
    Endpoint endpoint;
    auto colon = text.rfind(':');
    auto host = std::string(text.substr(0, colon));
    if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    auto digits = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    bool good = error == std::errc() && end == digits.data() + digits.size() && endpoint.port > 0;
    auto* four = reinterpret_cast<sockaddr_in*>(&endpoint.address);
    auto* six = reinterpret_cast<sockaddr_in6*>(&endpoint.address);
    if (good && inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(endpoint.port);
        endpoint.size = sizeof *four;
        return endpoint;
    }
    if (good && inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(endpoint.port);
        endpoint.size = sizeof *six;
        return endpoint;
    }
    return fail(ErrorKind::internal, {.id = "endpoint",
                                      .thing = "the endpoint",
                                      .seen = "is \"" + std::string(text) + "\"",
                                      .expected = "ADDRESS:PORT with a numeric address"});
}

Result<std::unique_ptr<PortWatch>> PortWatch::make(Loop& loop, std::string_view text,
                                                   std::function<void(const std::string&)> open) {
    auto endpoint = endpoint_from(text);
    if (!endpoint) return tl::unexpected(endpoint.error());
    std::unique_ptr<PortWatch> watch(new PortWatch(loop, *endpoint, std::move(open)));
    watch->timer_ = loop.after(0, [raw = watch.get()] { raw->attempt(); });
    return watch;
}

void PortWatch::attempt() {
    socket_.reset(socket(endpoint_.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return again();
    if (connect(socket_.get(), reinterpret_cast<sockaddr*>(&endpoint_.address), endpoint_.size) != 0 &&
        errno != EINPROGRESS)
        return again();
    writable_ = loop_.when_writable(socket_.get(), [this] { decided(); });
    timer_ = loop_.after(answer_within_s, [this] { again(); });
}

void PortWatch::decided() {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0 || met_itself(socket_.get(), endpoint_)) return again();
    auto open = open_; // it may destroy this watch
    open(std::to_string(endpoint_.port));
}

void PortWatch::again() {
    writable_.cancel();
    socket_.reset();
    timer_ = loop_.after(pause_s_, [this] { attempt(); });
    pause_s_ = std::min(pause_s_ * 1.5, longest_pause_s);
}

} // namespace railhead
