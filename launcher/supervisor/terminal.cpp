#include "launcher/supervisor/terminal.hpp"

#include "base/fd.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <array>
#include <optional>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace railhead {

struct TerminalRelay::State : std::enable_shared_from_this<State> {
    explicit State(asio::io_context& loop) : keys(loop) {}
    asio::posix::stream_descriptor keys;
    std::optional<termios> found;
    TerminalSide side;
    std::array<char, 4096> buffer{};

    void read() {
        keys.async_read_some(asio::buffer(buffer),
                             [self = shared_from_this()](asio::error_code error, std::size_t count) {
                                 if (error || !self->side.write) return;
                                 self->side.write({self->buffer.data(), count});
                                 self->read();
                             });
    }
};

TerminalRelay::TerminalRelay(asio::io_context& io) : state_(std::make_shared<State>(io)) {}
TerminalRelay::~TerminalRelay() {
    restore();
}

bool TerminalRelay::wanted() const {
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

std::function<void(std::string_view)> TerminalRelay::attach(TerminalSide side) {
    state_->side = std::move(side);
    termios mode{};
    if (!state_->found && tcgetattr(STDIN_FILENO, &mode) == 0) {
        state_->found = mode;
        cfmakeraw(&mode);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
        asio::error_code ignored;
        state_->keys.assign(dup(STDIN_FILENO), ignored);
        state_->read();
    }
    return [](std::string_view bytes) { write_all(STDOUT_FILENO, bytes); };
}

void TerminalRelay::restore() {
    asio::error_code ignored;
    state_->keys.close(ignored);
    state_->side = {};
    if (auto mode = std::exchange(state_->found, std::nullopt)) tcsetattr(STDIN_FILENO, TCSADRAIN, &*mode);
}

int TerminalRelay::window() const {
    winsize size{};
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_row << 16 | size.ws_col;
}

} // namespace railhead
