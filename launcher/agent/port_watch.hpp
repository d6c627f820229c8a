#pragma once
#include "base/error.hpp"
#include "base/fd.hpp"
#include "launcher/agent/loop.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace railhead {

/// "10.0.0.1:6379", "[fd00::1]:6379" or "fd00::1:6379" (the last colon separates) as a socket address.
struct Endpoint {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::uint16_t port = 0;
};
Result<Endpoint> endpoint_from(std::string_view text);

/// Something accepts connections there now; of an address of this machine.
bool is_open(const Endpoint& endpoint);

/// Tries to connect until something accepts. The kernel tells nobody that a port began to listen, so it tries
/// again after 10 ms, then after longer and longer, up to 100 ms.
class PortWatch {
  public:
    /// Calls `open` once, with the port, from the loop. Error (internal) when `text` is no endpoint.
    static Result<std::unique_ptr<PortWatch>> make(Loop& loop, std::string_view text,
                                                   std::function<void(const std::string& port)> open);

    /// The same of "ADDRESS:PORT/PATH": calls `ready`, with the status, when a GET of the path is answered by
    /// 2xx or 3xx. It tries again after longer and longer, up to half a second; an answer is awaited for 5 s.
    static Result<std::unique_ptr<PortWatch>> make_http(Loop& loop, std::string_view url,
                                                        std::function<void(const std::string& status)> ready);

    /// Why the last try was none, "503" or "Connection refused"; empty: not known yet.
    const std::string& seen() const { return seen_; }

  private:
    PortWatch(Loop& loop, Endpoint endpoint, std::function<void(const std::string&)> open)
        : loop_(loop), endpoint_(endpoint), open_(std::move(open)) {}
    void attempt();
    void decided();
    void ask();
    void read_answer();
    void judge();
    void again();
    void done(const std::string& value);

    Loop& loop_;
    Endpoint endpoint_;
    std::function<void(const std::string&)> open_;
    std::string request_; ///< empty: that it accepts is enough
    std::string answer_;  ///< its beginning
    std::string seen_;
    double pause_s_ = 0.01, longest_pause_s_ = 0.1;
    UniqueFd socket_;
    Loop::Handle ready_, timer_;
};

} // namespace railhead
