#pragma once
#include "base/environment.hpp"
#include "launcher/wire.hpp"

#include <string>
#include <vector>

namespace railhead {

/// Name of this node: SLURMD_NODENAME, else the host name up to its first dot.
std::string node_name(const Environment& environment);

/// The GPUs that Slurm gave to this step: SLURM_STEP_GPUS holds their numbers on the node, and is there in
/// every step that has some; CUDA_VISIBLE_DEVICES what programs see. Pure.
std::vector<Gpu> gpus_of(const Environment& environment);

/// Everything a node says of itself. `dir`: the launch's directory, empty when it could not be made; then
/// `findings` says why. Runs the probes that the invitation asks for (each bounded). A fact that cannot be
/// read is absent, with a finding of level unknown.
Hello make_hello(const Invitation& invitation, const Environment& environment, const std::string& dir,
                 std::vector<Finding> findings);

} // namespace railhead
