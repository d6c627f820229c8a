#pragma once
#include "launcher/commands/command.hpp"

#include <string>

namespace railhead {

struct ReplayOptions {
    std::string policy;    ///< file; empty: this machine's
    std::string inventory; ///< file; empty: ask Slurm
    std::string history;   ///< file of sacct's output, "-": standard input; empty: ask sacct
    std::string since = "now-30days";
    bool json = false;
};

/// Judges the jobs of the past by a policy, and prints by rule how many would have been refused and warned,
/// and of those refused how many ran. Returns the exit code: 0, or 100 with a sentence.
int replay(const Context& context, const ReplayOptions& options);

} // namespace railhead
