#pragma once
#include "topology/hosts.hpp"

namespace railhead::topology {

/// A cable of management has an eighth of a rail's speed, or less.
constexpr std::uint32_t rail_to_management = 8;

/// By device: leaves of a storage or management plane, whatever they follow.
///
/// The rule: such is a leaf most of whose hosts have cables elsewhere of eight times its speed or more. So is
/// each leaf of a fabric of its own (several switches that no cable joins with others) most of whose
/// hosts are on another one, too, that is faster; or that is no slower and has more cables to them, while
/// only the one that is aside has hosts besides that are named otherwise than those (servers). Else fabrics
/// of one speed are rails of one plane. Where speeds are not told, they are taken for one.
///
/// Of several sources, one that does not follow the units of the main one is aside: less than three quarters
/// of its cables lead to leaves that mostly coincide with such a unit.
std::vector<bool> leaves_aside(const Fabric& fabric, const Hosts& hosts);

/// As Fabric::source_of says it: the one with the most cables to hosts; of nearly as many the first.
std::size_t main_source(const Fabric& fabric, const Hosts& hosts);

/// The sources that are aside, by their index in the fabric's.
std::vector<std::size_t> sources_aside(const Fabric& fabric, const Hosts& hosts);

} // namespace railhead::topology
