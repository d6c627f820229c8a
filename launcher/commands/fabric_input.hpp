#pragma once
#include "topology/rail_map.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace railhead {

/// The options that say which fabric, and which of its hosts.
struct FabricOptions {
    std::vector<std::string> from; ///< KIND or KIND:FILE
    std::string nodes;             ///< host list; empty: all hosts
    std::string map;               ///< file; empty: none
};

/// A fabric and what was made of it.
struct FabricInput {
    topology::Fabric fabric;
    topology::Hosts hosts;
    topology::RailMap map;
    std::vector<std::string> nodes; ///< the host list, expanded
    std::vector<Finding>
        findings; ///< of the readers, of the names, and of nodes that the fabric does not have
};

void add_fabric_options(CLI::App& command, FabricOptions& options);

/// A file, or standard input for "-". Error (usage) with its name.
Result<topology::Text> text_of_input(const std::string& path);

/// Error (usage) with the file, and the line where there is one.
Result<FabricInput> load_fabric(const FabricOptions& options);

} // namespace railhead
