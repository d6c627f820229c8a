#pragma once
#include "launcher/supervisor/supervisor.hpp"
#include "launcher/wire.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace railhead {

/// The nodes of a job looked at, alone and together: by what their agents have said, and by connections of
/// each to others. A pure state machine; peers are those of the channel.
class Look {
  public:
    /// Hellos in the order of `peers`.
    Look(const std::vector<Hello>& hellos, std::vector<std::string> peers);

    /// Peer -> the order to send it.
    const std::map<std::string, Order>& orders() const { return orders_; }
    void on_reached(const std::string& peer, const Event& event);
    /// All have answered.
    bool is_over() const { return waiting_.empty(); }
    /// Who has not answered is a finding (unknown).
    Looked take();

  private:
    std::map<std::string, std::string> node_of_; ///< peer -> node
    std::map<std::string, Order> orders_;
    std::set<std::string> waiting_; ///< peers
    std::vector<std::pair<std::string, std::string>> tried_;
    struct Missed {
        std::string from, line;
    };
    std::vector<Missed> missed_;
    Looked looked_;
};

} // namespace railhead
