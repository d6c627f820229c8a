#pragma once
#include "topology/hosts.hpp"

#include <vector>

namespace railhead::topology {

/// By device: the switches that hosts are meant to be cabled to.
///
/// The rule: a switch that holds hosts is a leaf, unless it holds few of them and joins others. Few are at
/// most two, or at most an eighth of what the leaf of the host in the middle holds, and never more than half
/// of that. It joins others when those of its neighbours that are nearer to the leaves than itself would be
/// apart without what is as far from them or further: a spine joins leaves, a core joins pods. Its hosts are
/// strays (management, a cable in the wrong switch). But where they are nodes by their names with no cable
/// elsewhere, and no switch without nodes joins the same, it is a small leaf in a chain or a star of leaves.
/// `hosts_on`: by device, each host once.
std::vector<bool> leaf_switches(const Fabric& fabric, const Hosts& hosts,
                                const std::vector<std::uint32_t>& hosts_on);

/// Few hosts beside `others` of a leaf.
bool are_few(std::size_t hosts, std::size_t others);

} // namespace railhead::topology
