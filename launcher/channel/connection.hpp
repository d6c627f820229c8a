#pragma once
#include <asio/ip/tcp.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/steady_timer.hpp>
#include <asio/streambuf.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace railhead {

/// One TLS connection that carries lines of at most max_frame_bytes, and after raw() bytes. Its loop is
/// single-threaded. It lives while an operation is pending; close() ends all of them. Handlers are dropped at
/// the close.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Clock = std::chrono::steady_clock;
    using Stream = asio::ssl::stream<asio::ip::tcp::socket>;
    /// More than this waiting to be written means that the peer does not read: the connection is closed.
    static constexpr std::size_t max_queued_bytes = 16 * 1024 * 1024;

    std::function<void(std::string_view line)> on_line;
    std::function<void(std::string_view bytes)> on_bytes;
    std::function<bool()> is_full; ///< whether the peer shall keep for a while what comes next
    std::function<void(const std::string& why)> on_closed; ///< once, not for a close() of our own

    Connection(asio::ip::tcp::socket socket, asio::ssl::context& context)
        : stream_(std::move(socket), context), room_(stream_.get_executor()) {}

    using Role = asio::ssl::stream_base::handshake_type;
    /// Calls `done` with an empty text when the peer has proved that it knows the key, else with what went
    /// wrong.
    void handshake(Role role, double within_s, std::function<void(const std::string& error)> done);
    void start_reading() { read_more(); }
    void raw() { raw_ = true; } ///< what comes from now on goes to on_bytes
    void send(std::string text);
    void close();
    /// Closes once everything queued is written (or cannot be), then calls `done`.
    void close_when_written(std::function<void()> done);
    std::size_t queued_bytes() const { return queued_bytes_; }
    bool closed() const { return closed_; }
    double heard_ago_s() const { return std::chrono::duration<double>(Clock::now() - heard_).count(); }

  private:
    void read_more();
    void deliver();
    void write_more();
    void broken(const std::string& why);

    Stream stream_;
    asio::steady_timer room_;
    asio::streambuf input_;
    std::deque<std::string> queue_;
    std::size_t queued_bytes_ = 0;
    std::function<void()> on_written_; ///< set: close when the queue is empty
    bool writing_ = false;
    bool raw_ = false;
    bool closed_ = false;
    Clock::time_point heard_ = Clock::now();
};

/// Of the channel's clock.
inline double seconds_since(Connection::Clock::time_point then) {
    return std::chrono::duration<double>(Connection::Clock::now() - then).count();
}

inline std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

} // namespace railhead
