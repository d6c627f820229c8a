#pragma once
#include "base/error.hpp"
#include "launcher/commands/command.hpp"

#include <cstdint>
#include <string>

namespace railhead {

/// `railhead topology generate`.
void add_topology_generate(CLI::App& command, Context& context);

/// `railhead topology install`.
void add_topology_install(CLI::App& command, Context& context);

/// `railhead topology check|diff|score|order`: what needs a topology file and no fabric.
void add_topology_files(CLI::App& command, Context& context);

/// Year and month of a release, 2411 from "24.11" or "24.11.5". Error (usage).
Result<std::uint32_t> release_from(const std::string& text);

} // namespace railhead
