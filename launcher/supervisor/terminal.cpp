#include "launcher/supervisor/terminal.hpp"

#include "base/output_queue.hpp"

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
    std::optional<OutputQueue> screen; ///< from the attach on
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

TerminalOutput TerminalRelay::attach(TerminalSide side) {
    state_->side = std::move(side);
    if (!state_->screen) state_->screen.emplace(STDOUT_FILENO);
    termios mode{};
    if (!state_->found && tcgetattr(STDIN_FILENO, &mode) == 0) {
        state_->found = mode;
        cfmakeraw(&mode);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
        asio::error_code ignored;
        state_->keys.assign(dup(STDIN_FILENO), ignored);
        state_->read();
    }
    return {.take = [state = state_](std::string_view bytes) { state->screen->write(bytes); },
            .is_full = [state = state_] { return state->screen->is_full(); }};
}

void TerminalRelay::restore() {
    asio::error_code ignored;
    state_->keys.close(ignored);
    state_->side = {};
    (void)is_read_within(1); // what the program has printed is meant for raw mode
    if (auto mode = std::exchange(state_->found, std::nullopt)) tcsetattr(STDIN_FILENO, TCSADRAIN, &*mode);
}

bool TerminalRelay::is_read_within(double seconds) const {
    return !state_->screen || state_->screen->empty_within(seconds);
}

int TerminalRelay::window() const {
    winsize size{};
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_row << 16 | size.ws_col;
}

} // namespace railhead
