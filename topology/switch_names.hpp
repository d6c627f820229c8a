#pragma once
#include "topology/fabric.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace railhead::topology {

/// Slurm's bound for names in topology.conf.
constexpr std::size_t max_name_bytes = 64;
constexpr std::size_t most_named_nodes = 20; ///< in a sentence

/// "MF0;leaf-1-2:MQM8700/U1" -> "leaf-1-2", a director's chip "MF0;dir1:CS7500/L03/U1" -> "dir1-L03"; what
/// cannot be in a name of topology.conf is cleaned, "Rack 1 leaf[2]" -> "Rack-1-leaf-2", and what is longer
/// than Slurm takes is cut. Empty where the description is the vendor's or has nothing that can be a name.
std::string switch_name_from(std::string_view description);
/// The same; "S-<guid>", as ibnetdiscover has it, where nobody has named the switch. Of sources without GUIDs
/// that is a hash of what they call it.
std::string switch_name_from(std::string_view description, std::uint64_t guid);

/// What switches are called in sentences: several of one name (a vendor's default) have their GUID behind it.
class SwitchLabels {
  public:
    explicit SwitchLabels(const Fabric& fabric);
    std::string operator()(std::uint32_t device) const;

  private:
    const Fabric& fabric_;
    std::set<std::string> shared_;
};

/// What is longer is cut, and a hash of all of it put behind, so that no other name changes it.
std::string fitting_name(std::string name, std::size_t most = max_name_bytes);

/// "su1-2": within Slurm's bound, whatever the name.
std::string numbered_name(const std::string& name, int number);

/// Orders devices as people would, which no order of the source changes.
struct ByDescription {
    const Fabric& fabric;
    bool operator()(std::uint32_t left, std::uint32_t right) const;
};

/// What names have in common, at a boundary between their parts: "su1-leaf1", "su1-leaf2" -> "su1";
/// "rail1-su3", "rail2-su3" -> "su3"; "A09-LEAF-01-08", "A09-LEAF-02-08" -> "A09-LEAF-08". Of one name, the
/// name. Empty: nothing.
std::string common_name(const std::vector<std::string_view>& names);

/// How a group's name comes from a leaf's: what is cut off in front or behind, any number for each number.
/// "su1" of "su1-leaf3": behind "-leaf#"; "su3" of "rail1-su3": in front "rail#-".
struct NameCut {
    std::string front, back;
    bool operator==(const NameCut&) const = default;
    bool operator<(const NameCut& other) const {
        return std::tie(front, back) < std::tie(other.front, other.back);
    }
};
/// Absent: the leaf's name has the group's in the middle, or not at all.
std::optional<NameCut> cut_between(std::string_view leaf, std::string_view group);
/// The name of the group of the leaf alone; empty: it does not look like that.
std::string_view cut_off(std::string_view leaf, const NameCut& cut);

} // namespace railhead::topology
