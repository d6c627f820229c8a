#pragma once
#include "slurm/inventory.hpp"
#include "topology/topology_conf.hpp"

#include <optional>

namespace railhead::topology {

/// Year and month of a Slurm release, 24.11 as 2411.
struct CheckOptions {
    std::uint32_t slurm = 2605;
    std::optional<std::vector<std::string>> nodes; ///< that Slurm has; absent: not compared
};

/// Slurm's own rules for the file, each with its line: `fail` for what its daemons refuse or die of, `warn`
/// for what they take and make something else of. tests/cluster/test_topology_check.py holds each against the
/// slurmctld of each suite.
std::vector<Finding> check(const TopologyConf& conf, const CheckOptions& options);

/// Of a file's text: of a topology.yaml each topology by itself, and only the default one against all nodes.
/// Error (usage) with the line for what cannot be read.
Result<std::vector<Finding>> check_text(std::string_view text, CheckOptions wanted);

/// What the controller, or its slurm.conf, has beside the file that defeats it: in a partition with several
/// Weights Slurm takes nodes of the lowest first, on whatever leaf they are (slurm.conf (5), Weight).
std::vector<Finding> check_weights(const Inventory& inventory);

/// The TopologyPlugin that reads such a file; empty: a topology.yaml, which names its own, or none does.
std::string plugin_for(std::string_view text);

/// What slurm.conf's TopologyPlugin (`set`, empty: it is not there) makes of the file: another one than its
/// own does not read it.
std::optional<Finding> check_plugin(std::string_view text, const std::string& set);

} // namespace railhead::topology
