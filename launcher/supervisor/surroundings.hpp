#pragma once
#include <array>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>

namespace railhead {

/// The running program's file.
std::string own_path();
/// Where the program was started; "/" when that cannot be told.
std::string working_directory();
/// What a launch hears: the end, and what it passes on to the program.
inline constexpr std::array launch_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
/// From now on they wait; later what has come is delivered. Children that are started see none of this.
void hold_signals();
void release_signals();
/// Whether a job that ends at `end_time` (seconds since 1970; unset: never) is at its time limit, as far as
/// Slurm's clock and ours agree.
bool is_over(std::optional<std::int64_t> end_time);

} // namespace railhead
