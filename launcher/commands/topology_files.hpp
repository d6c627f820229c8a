#pragma once
#include "base/error.hpp"
#include "launcher/commands/command.hpp"
#include "topology/topology_conf.hpp"

#include <cstdint>
#include <string>

namespace railhead {

/// `railhead topology generate`.
void add_topology_generate(CLI::App& command, Context& context);

/// `railhead topology install`.
void add_topology_install(CLI::App& command, Context& context);

/// `railhead topology check|diff`: what needs a topology file and no fabric.
void add_topology_files(CLI::App& command, Context& context);

/// `railhead topology score|order`: what needs nodes and a topology file, or the fabric.
void add_topology_nodes(CLI::App& command, Context& context);

/// topology.conf or topology.yaml; "-": standard input. Error (usage) with its name and the line.
Result<topology::TopologyConf> load_topology(const std::string& path);

/// Year and month of a release, 2411 from "24.11" or "24.11.5". Error (usage).
Result<std::uint32_t> release_from(const std::string& text);

} // namespace railhead
