#pragma once
#include "topology/hosts.hpp"

#include <string_view>

namespace railhead::topology {

/// A map file has a line "GUID HOST [DEVICE]" for each adapter that the fabric names badly, with 0x in front
/// or 16 digits, and a line "NAME HOST" for each host that the source calls otherwise; # begins a comment.
Result<void> read_map_file(std::string_view text, Naming& naming);

} // namespace railhead::topology
