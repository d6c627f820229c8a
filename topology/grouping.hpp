#pragma once
#include "topology/hosts.hpp"
#include "topology/sets.hpp"

namespace railhead::topology {

/// Which hosts reach each other through one switch on every rail.
///
/// The rule: two leaf switches are of one group when the sets of hosts on them mostly coincide, that is, when
/// more than half of the hosts on either are on both (those on one leaf only do not count where they are no
/// more than the others), unless one is shared: it also holds most hosts of other leaves that are alike
/// (topology/shared_leaves.hpp). And a leaf is of a group nearly all of whose hosts
/// (three quarters) are on it, when it shares hosts with no other (it has guests: CPU nodes, say). A host
/// belongs to the group in which it has the most cables, of those most of whose hosts do. With as many cables
/// in two groups it is where its neighbours by name are; where many hosts are as close to both, that is how
/// the fabric is built, and theirs is the group of fewer kinds of hosts by name, of more leaves, or of fewer
/// hosts. A leaf then belongs to the group of nearly all of its hosts (of all of them, if it does not
/// coincide with the group's others), or of half of them, if no more than a quarter of any other group are
/// there: cables in the wrong unit. Else to none: it is shared (a storage or management plane). So is one
/// that most hosts of another group are on, too, or on others like it; one that is aside
/// (topology/planes.hpp); and one of a device a sixteenth of whose cables lead to shared leaves: racks, which
/// now and then coincide with a unit.
///
/// What it bears: let each leaf of a group of n hosts miss m of them and carry f foreign ones. Two of the
/// group's leaves have at least n - 2m hosts in common and at most n - m + f each, so they stay together
/// while 4m + 2f < n. Two leaves of different groups have at most 2f in common and never meet. So groups are
/// those of the faultless fabric while fewer than a quarter of the hosts of a leaf are missing or foreign,
/// and each host has more cables in its own group than in any other. Whole leaves may be dead.
struct Grouping {
    std::uint32_t groups = 0;
    std::vector<std::uint32_t> of_host;   ///< `none`: it has no cable to a leaf
    std::vector<std::uint32_t> of_switch; ///< by device; `none`: no leaf, or shared by several groups
    std::vector<std::uint32_t>
        stands_on; ///< by group without a leaf of its own: its first host's first one; else `none`
    std::vector<bool> is_leaf;           ///< by device; topology/leaf_switches.hpp
    std::vector<std::uint32_t> hosts_on; ///< by device; each host once

    bool is_rail(std::uint32_t device) const { return is_leaf[device] && of_switch[device] != none; }
};

/// Groups are numbered by the host in their middle by name.
Grouping group_by_rails(const Fabric& fabric, const Hosts& hosts);

} // namespace railhead::topology
