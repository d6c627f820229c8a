#pragma once
#include "launcher/commands/fabric_source.hpp"
#include "slurm/inventory.hpp"
#include "topology/cabling.hpp"
#include "topology/rail_map.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace railhead {

/// The options that say which fabric, and which of its hosts.
struct FabricOptions {
    std::vector<std::string> from; ///< KIND or KIND:FILE, each
    std::string nodes;             ///< host list, or "slurm"; empty: all hosts
    std::string map;               ///< file; empty: none
    std::string plane = "compute"; ///< storage, management, or the devices that make it, as a host list
    bool only_compute = false;     ///< without `nodes`, hosts that are no compute nodes are left out
};

/// A fabric, its hosts, or the wanted ones, and what was made of them.
struct FabricMap {
    topology::Fabric fabric;
    topology::Hosts hosts;
    topology::RailMap map;
};

/// All that the sources say: their fabrics side by side.
struct FabricInput : FabricMap {
    std::optional<FabricMap> domains;                ///< of NVLink, where a source tells them beside a fabric
    bool is_domains = false;                         ///< the fabric is NVLink domains alone
    std::vector<std::string> nodes;                  ///< the host list, expanded
    std::map<std::string, std::string> partition_of; ///< of those, where the controller was asked
    std::vector<topology::CablingFinding> cabling;   ///< where asked for
    std::vector<Finding>
        findings; ///< of the readers, of the names, and of nodes that the fabric does not have
};

/// --from, --map and --plane.
void add_source_options(CLI::App& command, FabricOptions& options);
/// These and --nodes; --from is required.
void add_fabric_options(CLI::App& command, FabricOptions& options);

/// A host list, or what the running controller has for "slurm". Error (usage).
Result<std::vector<std::string>> node_names_from(const Environment& environment, const std::string& text);

std::vector<std::string> names_of(const Inventory& inventory);

/// Error (usage) with the file, and the line where there is one.
Result<FabricInput> load_fabric(const Environment& environment, const FabricOptions& options,
                                bool look_at_cabling = false);

/// A line on standard error for each, or for those that are failures; 1 where one is: the exit status.
int say(const std::vector<Finding>& findings, bool only_failures = false);

} // namespace railhead
