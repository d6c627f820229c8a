#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace railhead {

/// Seconds of a time as Slurm's options and scontrol write it; absent: no time, or none that ends.
std::optional<std::uint64_t> seconds_from(std::string_view text);

/// Minutes, rounded up, of a time as Slurm's options and scontrol write it: "30", "30:00", "1:30:00", "1-12",
/// "1-00:00:00" (sbatch(1), --time). UINT32_MAX for "UNLIMITED" and "INFINITE". Absent: no time ("NONE",
/// "Partition_Limit").
std::optional<std::uint32_t> minutes_from(std::string_view text);

/// MiB of a size as --mem and sacct write it: "4096", "4G", "500K", "1T"; a plain number is MiB.
std::optional<std::uint64_t> mebibytes_from(std::string_view text);

} // namespace railhead
