#pragma once
#include "topology/cabling.hpp"
#include "topology/switch_names.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace railhead::topology {

/// Links compared with their like: from a host to a leaf of its group, to one of storage or of management,
/// from a leaf of groups up, from one of those others up, from a spine up. Of a leaf of a group those of that
/// group, for units may be of several generations; where two hosts or fewer are, those of all.
class LinkRates {
  public:
    LinkRates(const Fabric& fabric, const Hosts& hosts, const RailMap& map);

    /// What a cable of a rail carries, in Gbit/s; 0: unknown.
    double one_rail() const { return usual_[index(Kind::host)].gbps_x10 / 10.0; }
    /// Links that are slower than most of their kind (link-slow), that lack lanes (link-narrow), or that lead
    /// back to their device (link-loop).
    std::vector<CablingFinding> findings() const;

  private:
    enum class Kind { host, storage, management, uplink, aside, core };
    static constexpr std::size_t link_kinds = 6;
    static std::size_t index(Kind kind) { return static_cast<std::size_t>(kind); }

    /// How many links of a kind have a rate, by the rate and its lanes.
    using Rates = std::map<std::uint32_t, std::map<std::uint8_t, std::uint32_t>>;
    /// What most links of a kind have; the most lanes at that rate.
    struct Usual {
        std::uint32_t gbps_x10 = 0;
        std::uint8_t lanes = 0;
    };
    static Usual most_have(const Rates& rates);

    /// Of the host at its one end, or of the leaf; what joins leaves is everybody's.
    bool is_wanted(const Link& link) const;
    bool is_wanted_leaf(std::uint32_t device) const;
    bool counts(const Link& link) const;
    CablingFinding loop(const Link& link) const;
    Kind kind_of(const Link& link) const;
    std::uint32_t group_of(const Link& link) const; ///< `none`: compared with all of its kind
    Usual usual_of(const Link& link) const;
    std::string name_of(std::uint32_t device) const;

    const Fabric& fabric_;
    const Hosts& hosts_;
    const RailMap& map_;
    const SwitchLabels labels_{fabric_};
    std::vector<std::uint32_t> port_of_; ///< by device: one of the host's ports on that adapter, or none
    std::vector<bool> is_adapter_of_host_, is_wanted_adapter_, is_management_; ///< by device
    std::array<Usual, link_kinds> usual_;
    std::map<std::pair<Kind, std::uint32_t>, Usual> usual_in_; ///< by group
};

} // namespace railhead::topology
