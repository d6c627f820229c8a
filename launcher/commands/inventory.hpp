#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"
#include "slurm/inventory.hpp"

#include <string>
#include <vector>

namespace railhead {

/// What scontrol prints of configuration, nodes, partitions, reservations and topology, and sacctmgr of QOS:
/// the text that inventory_from_text reads. Error (usage): no scontrol, or no answer.
Result<std::string> ask_for_inventory(const Environment& environment);

/// What one of Slurm's programs prints. `stderr_fd`: where its other words go, -1: to ours. Error (usage): it
/// is not there, or gives no answer.
Result<std::string> answer_of(const Environment& environment, std::vector<std::string> command,
                              int stderr_fd = -1);

/// From a file that `railhead inventory save` wrote; from the controller when `path` is empty.
Result<Inventory> inventory_for(const Environment& environment, const std::string& path);

/// All of a regular file, at most 64 MiB; error (usage) with the reason.
Result<std::string> read_whole_file(const std::string& path, const std::string& next);

} // namespace railhead
