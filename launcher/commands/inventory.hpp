#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"
#include "slurm/inventory.hpp"

#include <string>

namespace railhead {

/// What scontrol prints of configuration, nodes, partitions, reservations and topology, and sacctmgr of QOS:
/// the text that inventory_from_text reads. Error (usage): no scontrol, or no answer.
Result<std::string> ask_for_inventory(const Environment& environment);

/// From a file that `railhead inventory save` wrote; from the controller when `path` is empty.
Result<Inventory> inventory_for(const Environment& environment, const std::string& path);

/// All of a regular file, at most 64 MiB; error (usage) with the reason.
Result<std::string> read_whole_file(const std::string& path, const std::string& next);

} // namespace railhead
