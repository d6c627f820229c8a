#include "launcher/agent/port_watch.hpp"

#include <fmt/core.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace railhead {
namespace {

constexpr double longest_http_pause_s = 0.5; ///< a server may write a line of its log for each
constexpr double http_within_s = 5;
constexpr int open_within_ms = 500; ///< of this machine's own port
constexpr std::size_t most_answer_bytes = 64 * 1024;
constexpr std::string_view status_line = "HTTP/1.1 200"; ///< so long is what we look at
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

bool is_open(const Endpoint& endpoint) {
    UniqueFd fd(socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return false;
    const auto* address = reinterpret_cast<const sockaddr*>(&endpoint.address);
    if (connect(fd.get(), address, endpoint.size) != 0) {
        pollfd writable{fd.get(), POLLOUT, 0};
        if (errno != EINPROGRESS || poll(&writable, 1, open_within_ms) != 1) return false;
    }
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 && !met_itself(fd.get(), endpoint);
}

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

Result<std::unique_ptr<PortWatch>> PortWatch::make_http(Loop& loop, std::string_view url,
                                                        std::function<void(const std::string&)> ready) {
    const auto slash = std::min(url.find('/'), url.size());
    const auto authority = url.substr(0, slash);
    auto watch = make(loop, authority, std::move(ready));
    if (!watch) return watch;
    const auto path = slash == url.size() ? std::string_view("/") : url.substr(slash);
    const auto colon = authority.rfind(':');
    const bool bare = authority.front() != '[' && authority.find(':') != colon; // IPv6
    (*watch)->request_ = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}{}{}{}\r\nUser-Agent: railhead\r\nConnection: close\r\n\r\n", path,
        bare ? "[" : "", authority.substr(0, colon), bare ? "]" : "", authority.substr(colon));
    (*watch)->longest_pause_s_ = longest_http_pause_s;
    return watch;
}

void PortWatch::attempt() {
    socket_.reset(socket(endpoint_.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return again();
    if (connect(socket_.get(), reinterpret_cast<sockaddr*>(&endpoint_.address), endpoint_.size) != 0 &&
        errno != EINPROGRESS)
        return again();
    ready_ = loop_.when_writable(socket_.get(), [this] { decided(); });
    timer_ = loop_.after(answer_within_s, [this] { again(); });
}

void PortWatch::decided() {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) seen_ = std::strerror(error);
    if (error != 0 || met_itself(socket_.get(), endpoint_)) return again();
    if (!request_.empty()) return ask();
    done(std::to_string(endpoint_.port));
}

void PortWatch::done(const std::string& value) {
    auto open = open_; // it may destroy this watch
    open(value);
}

void PortWatch::ask() {
    answer_.clear();
    // It is shorter than a socket's buffer.
    if (send(socket_.get(), request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size()))
        return again();
    timer_ = loop_.after(http_within_s, [this] { judge(); });
    ready_.cancel(); // a descriptor is watched once at a time
    ready_ = loop_.when_readable(socket_.get(), [this] { read_answer(); });
}

/// To its end, within bounds: a server whose answer nobody reads may write of it in its log.
void PortWatch::read_answer() {
    char bytes[4096];
    const auto size = recv(socket_.get(), bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size > 0) answer_.append(bytes, static_cast<std::size_t>(size));
    if (size <= 0 || answer_.size() > most_answer_bytes) judge();
}

void PortWatch::judge() {
    const auto status = answer_.substr(0, status_line.size());
    const bool good = status.size() == status_line.size() && status.starts_with("HTTP/1.") &&
                      status[8] == ' ' && (status[9] == '2' || status[9] == '3');
    if (good) return done(status.substr(9));
    seen_ = status.starts_with("HTTP/1.") ? status.substr(9) : "no answer of HTTP";
    again();
}

void PortWatch::again() {
    ready_.cancel();
    socket_.reset();
    timer_ = loop_.after(pause_s_, [this] { attempt(); });
    pause_s_ = std::min(pause_s_ * 1.5, longest_pause_s_);
}

} // namespace railhead
