#include "launcher/agent/rank_link.hpp"

#include "launcher/agent/files.hpp"

#include <fmt/core.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace railhead {
namespace {

constexpr std::size_t most_packet_bytes = 4096;

std::optional<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return std::nullopt;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

UniqueFd packet_socket() {
    return UniqueFd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

} // namespace

std::string packet_of(const Told& told) {
    return fmt::format("{} {}", told.signal, told.grace_s);
}

std::optional<Told> told_from(std::string_view packet) {
    Told told;
    const std::string text(packet);
    if (std::sscanf(text.c_str(), "%d %lf", &told.signal, &told.grace_s) != 2) return std::nullopt;
    return told;
}

Result<UniqueFd> listen_for_tasks(const std::string& path) {
    auto fd = packet_socket();
    auto address = address_of(path);
    unlink(path.c_str()); // of an earlier start
    if (!fd || !address || bind(fd.get(), reinterpret_cast<sockaddr*>(&*address), sizeof *address) != 0 ||
        listen(fd.get(), SOMAXCONN) != 0)
        return file_error("ranks-socket", path, address ? errno : ENAMETOOLONG);
    return fd;
}

UniqueFd accept_task(int listener) {
    UniqueFd fd(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    ucred peer{};
    socklen_t size = sizeof peer;
    if (!fd || getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid())
        return UniqueFd();
    return fd;
}

Result<UniqueFd> connect_to_ranks(const std::string& path) {
    auto fd = packet_socket();
    auto address = address_of(path);
    if (!fd || !address || connect(fd.get(), reinterpret_cast<sockaddr*>(&*address), sizeof *address) != 0)
        return file_error("ranks-socket", path, address ? errno : ENAMETOOLONG,
                          "the agent of this node is gone, or the rank does not see its directory");
    return fd;
}

bool send_packet(int fd, std::string_view packet) {
    return send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size());
}

std::string receive_packet(int fd) {
    std::array<char, most_packet_bytes> bytes{};
    ssize_t got = 0;
    do got = recv(fd, bytes.data(), bytes.size(), 0);
    while (got < 0 && errno == EINTR);
    return {bytes.data(), static_cast<std::size_t>(got > 0 ? got : 0)};
}

} // namespace railhead
