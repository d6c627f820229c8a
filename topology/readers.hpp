#pragma once
// One function per source, each in its own file. All take the whole text, which the fabric keeps; errors
// (usage) name the line. What a reader can leave out without harm is a finding of the fabric.
#include "topology/fabric.hpp"

namespace railhead::topology {

/// ibnetdiscover(8) without options, and ibdiagnet's file of the same name (*.ibnetdiscover).
Result<Fabric> read_ibnetdiscover(Text text);

/// ibnetdiscover -p: a line for each port.
Result<Fabric> read_ibnetdiscover_ports(Text text);
bool is_ports_report(std::string_view text); ///< by its first line

/// CSV whose first line names the columns: node and switch; rail (the adapter's name), port and speed
/// (Gbit/s) where they are known. Without what joins switches, so all groups are one pod.
Result<Fabric> read_inventory_file(Text text);

} // namespace railhead::topology
