#pragma once
#include "topology/rail_map.hpp"

#include <map>
#include <string_view>
#include <vector>

namespace railhead::topology {

/// On which rail of its group a host's device should be.
///
/// The rule: rails have the names of the devices of those nodes that are on most of them. Nodes of another
/// kind may be on every second leaf, and count their devices otherwise, so a node is compared with its kind:
/// those of one stem and one number of adapters. Of three or more in its group, most decide. Of fewer, a node
/// that is on as many leaves as most has each device on the rail of that name; of one on fewer nothing is
/// known.
class RailKinds {
  public:
    /// `is_full`: by host, it is on as many leaves as most of its group.
    RailKinds(const Hosts& hosts, const RailMap& map, std::vector<bool> is_full);

    /// The rail's name; empty: nobody knows.
    std::string_view rail_for(std::uint32_t host, std::string_view device) const;
    /// The device that nodes of the host's kind have on that rail, else the rail's name.
    std::string_view device_on(std::uint32_t host, std::string_view rail) const;

    /// So many of its kind are in its group that they are built alike, whatever others have.
    bool is_of_a_kind(std::uint32_t host) const { return kind_of(host) != nullptr; }

    /// Two or more of its kind, and most, have a cable of this device to that other group: they are built so.
    bool are_mostly_on(std::uint32_t host, std::uint32_t group, std::string_view device) const;

  private:
    struct Kind {
        std::uint32_t hosts = 0;
        using Place = std::pair<std::uint32_t, std::string_view>; ///< another group, a device
        std::map<Place, std::uint32_t> hosts_on;
        std::map<std::string_view, std::map<std::string_view, std::uint32_t>> cables; ///< device -> rail
    };
    const Kind* kind_of(std::uint32_t host) const;

    std::vector<bool> is_full_;
    std::vector<Kind> kinds_;
    std::vector<std::uint32_t> of_host_; ///< into kinds_
};

} // namespace railhead::topology
