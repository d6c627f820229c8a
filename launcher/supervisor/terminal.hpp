#pragma once
#include "launcher/channel/server.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace railhead {

/// The user's terminal, lent to the driver on the head node while it runs: raw mode, keys to the agent's
/// terminal, its output here.
class TerminalRelay {
  public:
    explicit TerminalRelay(asio::io_context& io);
    ~TerminalRelay();

    /// Standard input and output are a terminal, and we are in its foreground.
    bool wanted() const;
    /// The agent's terminal is here: raw mode begins.
    TerminalOutput attach(TerminalSide side);
    /// Back to the mode that was found; also in the destructor. Waits 1 s at most for a terminal that takes
    /// nothing.
    void restore();
    bool is_read_within(double seconds) const;
    /// rows << 16 | columns; 0 when unknown.
    int window() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace railhead
