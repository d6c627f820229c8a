#pragma once
#include "launcher/wire.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace railhead {

/// One direction-pair of the control channel above its connections: numbers what goes out, keeps it until the
/// peer has it, drops what came twice. Pure: no clock, no socket. A connection may break and be replaced
/// without loss.
class Link {
  public:
    /// At most this many unacknowledged frames are kept; a peer that is further behind is lost anyway.
    static constexpr std::size_t max_unacknowledged = 4096;

    /// Numbers `frame` (event or order), keeps it, and returns its line. Empty when too much is
    /// unacknowledged.
    std::string send(Frame frame);

    enum class Kind { fresh, seen, gap };
    /// Judges an incoming event or order by its number; a fresh one becomes the last received.
    Kind receive(const Frame& frame);

    /// The peer has everything up to `seq`.
    void acknowledged(std::uint64_t seq);

    /// Lines to send again on a new connection to a peer that has everything up to `seq`.
    std::vector<std::string> resend_after(std::uint64_t seq);

    std::uint64_t last_received() const { return received_; }
    std::size_t unacknowledged() const { return kept_.size(); }

  private:
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::deque<std::pair<std::uint64_t, std::string>> kept_;
};

} // namespace railhead
