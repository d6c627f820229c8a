#pragma once
#include "launcher/wire.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace asio {
class io_context;
}

namespace railhead {

/// Bytes of a driver's terminal, relayed on a connection of their own.
struct TerminalSide {
    std::function<void(std::string_view)> write; ///< towards the agent
    std::function<void()> close;
};

/// Where its bytes go, and whether it shall keep for a while what comes next.
struct TerminalOutput {
    std::function<void(std::string_view)> take;
    std::function<bool()> is_full;
};

/// The supervisor's end of the control channel. Single-threaded: all calls and handlers run in the loop.
/// A peer is named by its component and node: "0:node1".
class ChannelServer {
  public:
    struct Handlers {
        std::function<void(const std::string& peer, const Hello&)> on_hello; ///< once per peer
        std::function<void(const std::string& peer, const Event&)> on_event;
        enum class Away { broken, silent };
        std::function<void(const std::string& peer, Away)> on_away; ///< its connection; it may come back
        std::function<void(const std::string& peer)> on_back;       ///< it did
        /// For good: the agent ended, or nothing was heard for loss_after.
        std::function<void(const std::string& peer, const std::string& why)> on_lost;
        std::function<TerminalOutput(TerminalSide)> on_terminal;
    };
    struct Bounds {
        double loss_after_s = 60;   ///< silence
        double return_within_s = 3; ///< after a closed connection
    };

    ChannelServer(asio::io_context& io, const std::string& key, Bounds bounds, Handlers handlers);
    ~ChannelServer();

    /// How long this process stood still a moment ago, if that was long enough for the peers to give it up;
    /// else 0.
    double stood_still_s() const;

    /// Binds `port` (0: a free one) on all addresses, IPv6 and IPv4, and returns it. Error (internal) with
    /// the system's words.
    Result<std::uint16_t> listen(std::uint16_t port = 0);
    void send(const std::string& peer, const Order& order);
    /// The peer has said bye: its closed connection is no loss.
    void forget(const std::string& peer);
    /// Since when nothing was heard of the peer; 0: it is not known.
    double silent_s(const std::string& peer) const;
    void close();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

inline std::string peer_name(int component, const std::string& node) {
    return std::to_string(component) + ":" + node;
}

} // namespace railhead
