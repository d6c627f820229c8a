#pragma once
#include "base/error.hpp"
#include "topology/sets.hpp"
#include "topology/text.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace railhead::topology {

enum class DeviceKind : std::uint8_t { adapter, network_switch, router };

/// A box with ports. Adapters are what hosts hold (HCAs, NICs); a director's chips are switches of their own.
struct Device {
    std::uint64_t guid = 0;        ///< unique in the fabric
    std::uint64_t system_guid = 0; ///< alike for what sits on one board; 0: not said
    std::string_view description;  ///< as its owner wrote it, "node1 HCA-1"; points into the fabric
    std::uint32_t line = 0;        ///< where the source describes it; 0: only its neighbours name it
    DeviceKind kind = DeviceKind::adapter;
};

/// Lanes and the signalling rate of one, in tenths of Gbit/s as vendors name it (HDR: 500). 0: not said.
struct Rate {
    std::uint8_t lanes = 0;
    std::uint16_t lane_gbps_x10 = 0;

    std::uint32_t gbps_x10() const { return std::uint32_t{lanes} * lane_gbps_x10; }
    bool operator==(const Rate&) const = default;
};

/// "4xHDR", "1xFDR10"; absent rate (all 0) for what is none.
Rate rate_from(std::string_view text);
/// Where only Gbit/s are told, as of Ethernet.
Rate rate_of_gbps(std::uint16_t gbps);
std::string text_of(Rate rate); ///< "400G" of these; "4xHDR"; "unknown"

/// A cable, each once: `a` is the device with the smaller index.
struct Link {
    std::uint32_t a = 0, b = 0; ///< indexes of devices
    std::uint16_t a_port = 0, b_port = 0;
    Rate rate;
    std::uint32_t line = 0; ///< where the source says so
};

/// What a source says, and nothing derived from it. Memory is linear in the text, which is kept.
struct Fabric {
    Text text; ///< the source's
    /// What views point into that the text does not hold, many names in each; a deque does not move its
    /// elements.
    std::deque<std::string> names;
    std::vector<Device> devices;
    std::vector<Link> links; ///< sorted by a, a_port
    std::vector<Finding> findings;
    bool is_named = false; ///< its source knows devices by names alone, which people or a cloud gave
    bool is_tree = false;  ///< its switches are units that its source names, each one alone above others
    std::vector<Fabric> sources; ///< of a fabric that was put together from several: what views point into
    std::vector<std::uint32_t> first_of_source; ///< of these, in devices

    bool is_switch(std::uint32_t device) const { return devices[device].kind == DeviceKind::network_switch; }
    /// Which of several sources describes it first.
    std::size_t source_of(std::uint32_t device) const;
    bool joins_switches(const Link& link) const { return is_switch(link.a) && is_switch(link.b); }
};

/// Which switches cables join: sets of devices, in which all but switches are alone.
DisjointSets islands_of(const Fabric& fabric);

/// Several fabrics side by side as one; devices are told apart by their source, not by their GUID. But named
/// sources that name the same adapter tell of one fabric (LLDP of hosts and of switches): there devices of
/// one name, in whatever case and domain, are one, and of their cables those of the first source count that
/// has any between the two ends.
Fabric joined(std::vector<Fabric> fabrics);

/// Sources that know GUIDs, and more than half of the adapters of the smaller one are in the other, too: one
/// fabric, given twice, whose hosts would each seem to be two.
bool are_the_same(const Fabric& one, const Fabric& other);

/// Puts a fabric together while a reader goes through its text. A device may be named by a neighbour before
/// it is described; a cable may be told from both ends.
class FabricBuilder {
  public:
    FabricBuilder() = default;
    explicit FabricBuilder(Text text);
    std::string_view text() const { return fabric_.text.view(); }
    /// The device with this GUID, made where it is new. One GUID with two kinds is two devices.
    std::uint32_t device(DeviceKind kind, std::uint64_t guid);
    Device& at(std::uint32_t index) { return fabric_.devices[index]; }
    void link(std::uint32_t from, std::uint16_t from_port, std::uint32_t to, std::uint16_t to_port, Rate rate,
              std::uint32_t line);
    void finding(Finding finding) { fabric_.findings.push_back(std::move(finding)); }
    std::string_view keep(std::string_view name);
    /// Cables told from both ends become one.
    Fabric finish() &&;

  private:
    Fabric fabric_;
    std::unordered_map<std::uint64_t, std::uint32_t> by_guid_[3];
};

} // namespace railhead::topology
