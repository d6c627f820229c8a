#pragma once
#include "topology/hosts.hpp"

#include <string_view>

namespace railhead::topology {

/// A map file has a line "GUID HOST [DEVICE]" for each adapter that the fabric names badly, with 0x in front
/// or 16 digits, and a line "NAME HOST" for each host that the source calls otherwise; # begins a comment.
/// ibnetdiscover's own, with lines GUID "NAME" for adapters and switches, is one, too.
Result<void> read_map_file(std::string_view text, Naming& naming);
/// Switches whose GUID the map file has are called so.
void name_switches(Fabric& fabric, const Naming& naming);

} // namespace railhead::topology
