#include "base/fd.hpp"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace railhead {

void UniqueFd::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

void write_all(int fd, std::string_view text, Patience patience) {
    const int patience_ms = patience == Patience::forever ? -1 : 10'000;
    while (!text.empty()) {
        auto written = ::write(fd, text.data(), text.size());
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
        if (written > 0 || (written < 0 && errno == EINTR)) continue;
        pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
        if (written == 0 || errno != EAGAIN || ::poll(&room, 1, patience_ms) <= 0) return;
    }
}

} // namespace railhead
