#pragma once
#include "topology/fabric.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace railhead::topology {

/// Slurm's bound for names in topology.conf.
constexpr std::size_t max_name_bytes = 64;
constexpr std::size_t most_named_nodes = 20; ///< in a sentence

/// "MF0;leaf-1-2:MQM8700/U1" -> "leaf-1-2", a director's chip "MF0;dir1:CS7500/L03/U1" -> "dir1-L03"; empty
/// where the description is the vendor's or has nothing that can be a name in topology.conf.
std::string switch_name_from(std::string_view description);
/// The same; "S-<guid>", as ibnetdiscover has it, where nobody has named the switch.
std::string switch_name_from(std::string_view description, std::uint64_t guid);

/// Orders devices as people would, which no order of the source changes.
struct ByDescription {
    const Fabric& fabric;
    bool operator()(std::uint32_t left, std::uint32_t right) const;
};

/// What names have in common, at a boundary between their parts: "su1-leaf1", "su1-leaf2" -> "su1";
/// "rail1-su3", "rail2-su3" -> "su3"; "A09-LEAF-01-08", "A09-LEAF-02-08" -> "A09-LEAF-08". Of one name, the
/// name. Empty: nothing.
std::string common_name(const std::vector<std::string_view>& names);

} // namespace railhead::topology
