#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <sys/stat.h>

namespace railhead {

/// The running program's file.
std::string own_path();
/// Where the program was started; "/" when that cannot be told.
std::string working_directory();
/// The process's file mode creation mask. Not for a program with threads: it is set to be read.
mode_t own_umask();
/// From now on the signals of a launch wait; later what has come is delivered. Children that are started see
/// none of this.
void hold_signals();
void release_signals();
/// Whether a job that ends at `end_time` (seconds since 1970; unset: never) is at its time limit, as far as
/// Slurm's clock and ours agree.
bool is_over(std::optional<std::int64_t> end_time);

} // namespace railhead
