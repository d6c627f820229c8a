#pragma once
#include "base/error.hpp"
#include "base/fd.hpp"
#include "launcher/agent/loop.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace railhead {

/// A new pseudo terminal. Error (bringup_failed) when the system has none.
struct Pty {
    UniqueFd master, slave;
};
Result<Pty> open_pty();
void set_window(int terminal, int rows, int columns);

/// Moves bytes between a pty's master and a connection. Nothing is read before the connection is there: the
/// kernel holds what the program writes, and makes it wait when the connection is slow. The bytes to the
/// program wait while it does not read, at most `max_waiting` of them.
class TerminalPump {
  public:
    static constexpr std::size_t max_waiting = 1 << 20;
    static constexpr std::size_t max_unwritten = 256 * 1024; ///< more in the connection: the program waits

    /// The far side: `write` sends to it, `close` ends it after what was written, `unwritten` says how many
    /// bytes it has not taken.
    struct Far {
        std::function<void(std::string_view)> write;
        std::function<void()> close;
        std::function<std::size_t()> unwritten;
    };

    TerminalPump(Loop& loop, UniqueFd master) : loop_(loop), master_(std::move(master)) {}

    /// The connection stands.
    void connected(Far far);
    /// Bytes that came from the connection.
    void incoming(std::string_view bytes);
    /// The connection is gone for good: the program's output is read and dropped, so that it never blocks.
    void disconnected();
    /// The program has ended: passes on the rest of its output and closes.
    void ended();
    void window(int rows, int columns) { set_window(master_.get(), rows, columns); }

  private:
    void begin_reading();
    std::string take();
    void read_some();
    void write_some();

    Loop& loop_;
    UniqueFd master_;
    std::string waiting_;
    Far far_;
    bool ended_ = false;
    Loop::Handle readable_, writable_, pause_;
};

} // namespace railhead
