#pragma once
#include "launcher/recipes/python_of.hpp"

#include <string>

namespace railhead {

/// In Invitation::probes; in probe_args so too: the program torchrun, a path or a name; empty: "torchrun".
inline constexpr std::string_view torch_probe_name = "torchrun";
/// In probe_args: the script that every node must have, as the user wrote it; absent: none.
inline constexpr std::string_view script_probe_arg = "torchrun.script";

/// What an agent says about PyTorch on its node:
///   "torch"             its version
///   "torchrun.program"  path of the program
///   "torchrun.python"   path of the interpreter that runs it: the ranks are started with it
/// On failure a finding of level fail: "torchrun-missing", "torchrun-broken", "torchrun-script".
/// `script`: relative to `cwd`; empty: none is looked for. Blocks for at most `seconds`.
Probe probe_torch(const std::string& node, const std::string& program, const std::string& script,
                  const std::string& cwd, const Environment& environment, double seconds);

} // namespace railhead
