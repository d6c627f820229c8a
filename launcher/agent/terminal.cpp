#include "launcher/agent/terminal.hpp"

#include "launcher/agent/files.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace railhead {
namespace {
constexpr double look_again_s = 0.01; ///< whether a slow connection has taken enough
}

Result<Pty> open_pty() {
    Pty pty;
    pty.master.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char name[64] = {};
    if (!pty.master || grantpt(pty.master.get()) != 0 || unlockpt(pty.master.get()) != 0 ||
        ptsname_r(pty.master.get(), name, sizeof name) != 0)
        return file_error("terminal", "/dev/ptmx", errno, "start with standard input from /dev/null");
    pty.slave.reset(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!pty.slave) return file_error("terminal", name, errno, "start with standard input from /dev/null");
    return pty;
}

void set_window(int terminal, int rows, int columns) {
    winsize size{};
    size.ws_row = static_cast<unsigned short>(rows);
    size.ws_col = static_cast<unsigned short>(columns);
    ioctl(terminal, TIOCSWINSZ, &size);
}

void TerminalPump::begin_reading() {
    fcntl(master_.get(), F_SETFL, O_RDWR | O_NONBLOCK);
    readable_ = loop_.when_readable(master_.get(), [this] { read_some(); });
}

void TerminalPump::connected(Far far) {
    far_ = std::move(far);
    begin_reading();
    if (ended_) ended();
}

void TerminalPump::disconnected() {
    far_ = {};
    begin_reading();
}

/// What the master has now, at most 64 KiB: the kernel gives a page at a time.
std::string TerminalPump::take() {
    std::string bytes(65536, '\0');
    std::size_t size = 0;
    for (ssize_t got = 1; got > 0 && size < bytes.size();
         size += static_cast<std::size_t>(std::max<ssize_t>(got, 0)))
        got = read(master_.get(), bytes.data() + size, bytes.size() - size);
    bytes.resize(size);
    return bytes;
}

void TerminalPump::read_some() {
    errno = 0;
    auto bytes = take();
    // EIO: the last process that had the terminal open is gone.
    if (bytes.empty() && errno == EIO) readable_.cancel();
    if (!bytes.empty() && far_.write) far_.write(bytes);
    if (!far_.unwritten || far_.unwritten() <= max_unwritten) return;
    readable_.cancel();
    pause_ = loop_.after(look_again_s, [this] { begin_reading(); });
}

void TerminalPump::incoming(std::string_view bytes) {
    if (waiting_.size() + bytes.size() > max_waiting) return;
    waiting_ += bytes;
    write_some();
}

void TerminalPump::write_some() {
    writable_.cancel();
    while (!waiting_.empty()) {
        auto written = write(master_.get(), waiting_.data(), waiting_.size());
        if (written < 0 && errno == EAGAIN) {
            writable_ = loop_.when_writable(master_.get(), [this] { write_some(); });
            return;
        }
        if (written <= 0) return waiting_.clear();
        waiting_.erase(0, static_cast<std::size_t>(written));
    }
}

void TerminalPump::ended() {
    ended_ = true;
    if (!far_.write) return;
    for (auto bytes = take(); !bytes.empty(); bytes = take()) far_.write(bytes);
    readable_.cancel();
    pause_.cancel();
    auto far = std::exchange(far_, {});
    if (far.close) far.close();
}

} // namespace railhead
