#pragma once
#include "topology/rail_map.hpp"

namespace railhead::topology {

/// Marks hosts that are no compute nodes (Host::is_other), where no list says which hosts are.
///
/// The rule: such a host has cables to leaves of no group (of storage, of management) or to spines only; or
/// it is one of few in its group (a quarter) with fewer than half of the cables that most hosts there have.
/// It is named like no compute node, for else it is one with lost cables. Where more than half of all hosts
/// are such, only those are that have fewer than half of the cables that most compute nodes have: the rest
/// may be nodes without GPUs, which a finding says.
void mark_others(Hosts& hosts, const RailMap& map);

} // namespace railhead::topology
