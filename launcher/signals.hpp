#pragma once
#include <array>
#include <csignal>

namespace railhead {

/// What a launch hears, on the supervisor's side and on the agents': those of the end, and those that scancel
/// and `sbatch --signal` send for the program (sbatch(1)).
inline constexpr std::array launch_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};
/// Passed on to the program, and nothing ends by it.
constexpr bool is_for_program(int number) {
    return number == SIGUSR1 || number == SIGUSR2 || number == SIGALRM;
}

} // namespace railhead
