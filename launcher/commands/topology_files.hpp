#pragma once
#include "launcher/commands/command.hpp"

namespace railhead {

/// `railhead topology check|diff|score|order`: what needs a topology file and no fabric.
void add_topology_files(CLI::App& command, Context& context);

} // namespace railhead
