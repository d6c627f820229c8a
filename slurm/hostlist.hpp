#pragma once
#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// "n[01-03,7],login1" -> n01 n02 n03 n7 login1, in the order written, duplicates kept. Slurm's grammar:
/// scontrol(1) "hostnames", several brackets included ("r[1-2]n[1-3]"). Error (usage) with the position of
/// the first bad character, or when it would name more than `limit` hosts.
Result<std::vector<std::string>> expand_hostlist(std::string_view text, std::size_t limit = 100'000);

/// The shortest common form: node1 node2 node3 a -> "node[1-3],a". For messages and srun -w.
std::string compress_hostlist(const std::vector<std::string>& hosts);
/// At most so many of them, then ",...".
std::string compress_hostlist(std::vector<std::string> hosts, std::size_t most);

/// "16(x3),8" (SLURM_JOB_CPUS_PER_NODE, SLURM_TASKS_PER_NODE) -> 16 16 16 8.
Result<std::vector<int>> expand_counts(std::string_view text, std::size_t limit = 100'000);

} // namespace railhead
