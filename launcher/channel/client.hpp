#pragma once
#include "launcher/wire.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace asio {
class io_context;
}

namespace railhead {

/// The agent's end of the control channel. Single-threaded: all calls and handlers run in the loop.
/// It connects, and connects again with back-off when the connection breaks or is silent; nothing sent is
/// lost meanwhile.
class ChannelClient {
  public:
    struct Handlers {
        std::function<Hello()> hello; ///< asked on every connection
        std::function<void(const Order&)> on_order;
        /// For good, once: the supervisor ended (its host refuses the port) or was not heard for loss_after.
        std::function<void(const std::string& why)> on_lost;
    };

    /// Error (internal) when the invitation's key is none.
    static Result<std::unique_ptr<ChannelClient>> make(asio::io_context& io, const Invitation& invitation,
                                                       Handlers handlers);
    ~ChannelClient();

    void start();
    void send(const Event& event);
    /// Calls `done` when the supervisor has acknowledged everything and terminals that were closed are
    /// written to their end, or after `within_s`; then the connection is closed.
    void finish(double within_s, std::function<void()> done);

    /// The other direction of a terminal: `write` and `close` act on it, bytes from the supervisor's terminal
    /// go to `sink`.
    struct Terminal {
        std::function<void(std::string_view)> write;
        std::function<void()> close;          ///< after what was written
        std::function<std::size_t()> waiting; ///< bytes that the connection has not taken yet
    };
    /// Opens a second connection for the terminal of process `id`; `ready` is not called when that fails (the
    /// driver then sees a terminal nobody reads; `on_closed` says why).
    void open_terminal(const std::string& id, std::function<void(std::string_view)> sink,
                       std::function<void(Terminal)> ready,
                       std::function<void(const std::string& why)> on_closed);

  private:
    struct State;
    explicit ChannelClient(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

} // namespace railhead
