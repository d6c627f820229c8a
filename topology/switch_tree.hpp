#pragma once
#include "topology/rail_map.hpp"

#include <map>
#include <string>
#include <vector>

namespace railhead::topology {

/// One SwitchName line of Slurm's topology.conf (5): it has nodes or switches, never both.
struct SwitchLine {
    std::string name;
    std::vector<std::string> nodes, switches;
    bool operator==(const SwitchLine&) const = default;
};

struct TreeOptions {
    std::vector<std::string> nodes; ///< that must be in the tree, be they in the fabric or not
    std::map<std::string, std::string>
        partition_of;              ///< node -> whose leaf it gets when no other holds it; may be empty
    bool separate_fabrics = false; ///< no common root: Slurm lets no job span islands
};

/// Leaf groups in rank order, then what joins them. A unit of one member is left out. Nodes that no leaf
/// holds are on a leaf of their own, one for each partition, so that each job that could start without the
/// file can start with it.
std::vector<SwitchLine> switch_tree_of(const Hosts& hosts, const RailMap& map, const TreeOptions& options);

std::string topology_conf(const std::vector<SwitchLine>& tree);
/// A topology of that name for topology.yaml (Slurm 25.05 and later).
std::string topology_yaml(const std::vector<SwitchLine>& tree, const std::string& name, bool is_default);

} // namespace railhead::topology
