#pragma once
#include "topology/topology_conf.hpp"

namespace railhead::topology {

constexpr std::uint32_t first_with_yaml = 2505; ///< release of Slurm, as in CheckOptions

/// One topology of a topology.yaml (5), which Slurm 25.05 and later read in the place of topology.conf.
struct NamedTopology {
    std::string name;
    bool is_default = false; ///< cluster_default; the first one is where none says so
    std::uint32_t line = 0;
    TopologyConf conf;  ///< as a topology.conf would say it; empty for flat ones and for ring and torus3d
    std::string unread; ///< "ring": a plugin that Railhead does not judge; empty: all is read
};

/// "---", or a list that begins with "- ": no topology.conf begins so.
bool is_topology_yaml(std::string_view text);

/// Error (usage) with the line for what is no YAML, no list of topologies, or has a host list that is broken.
Result<std::vector<NamedTopology>> read_topology_yaml(std::string_view text);

/// A topology.conf, or of a topology.yaml the one that holds for partitions that name none.
Result<TopologyConf> read_any_topology(std::string_view text);

} // namespace railhead::topology
