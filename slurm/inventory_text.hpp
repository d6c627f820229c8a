#pragma once
#include "base/error.hpp"
#include "slurm/inventory.hpp"

#include <string_view>

namespace railhead {

/// Reads an inventory from what scontrol prints, one after another in any order: `show config`, `show nodes
/// -o`, `show partitions -o`, `show reservations -o`, `show topology` (22.05 to 26.05 write the fields used
/// here alike), and `sacctmgr -P show qos format=Name,Flags`. It holds what the submit plugin's own has,
/// taken_at apart, which is 0. Lines of others are left out; a file without a node or a partition is an error
/// (usage), and so is a host list or a GRES that cannot be read.
Result<Inventory> inventory_from_text(std::string_view text);

} // namespace railhead
