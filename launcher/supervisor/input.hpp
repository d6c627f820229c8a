#pragma once
#include "launcher/plan.hpp"
#include "launcher/wire.hpp"

#include <functional>
#include <memory>

namespace asio {
class io_context;
}

namespace railhead {

/// Our standard input, passed on to the processes of the plan that have it (Process::input), as srun does:
/// each gets all of it. A chunk is read when every one of them has taken the last: the slowest sets the pace,
/// and nothing is held in memory but a chunk.
class InputRelay {
  public:
    using Send = std::function<void(int node, const Order&)>;
    explicit InputRelay(asio::io_context& io);
    ~InputRelay();

    /// Standard input is a pipe, a socket, a file or a terminal that is ours to read; not a device such as
    /// /dev/null. A driver that has the terminal itself (TerminalRelay) needs no relay.
    static bool wanted();
    /// Reading begins when the processes have started.
    void begin(const Plan& plan, Send send);
    void on_event(const Event& event);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace railhead
