#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"
#include "slurm/conf_file.hpp"

#include <cstddef>
#include <string>

namespace railhead {

constexpr std::size_t most_topology_bytes = std::size_t{64} << 20; ///< that scontrol prints

/// A slurm.conf (5) for a slurmctld that only reads a topology file: the nodes' names, but no address of
/// theirs, and nothing of accounting, state, programs or ports of the real one.
struct ScratchConf {
    std::string folder; ///< for its state, its log and its pid
    std::string host;   ///< as gethostname(2) names this machine, without the domain
    std::string user;   ///< it runs as
    unsigned port = 0, slurmd_port = 0;
};
std::string scratch_conf(const SlurmConf& real, const ScratchConf& scratch);

/// Loads a topology file (its name says which: topology.conf or topology.yaml) in a slurmctld of this machine
/// that lives for this question only, in a folder of its own under TMPDIR. Gives what `scontrol show
/// topology` prints there. Error (usage): slurmctld is not here, it refused, with its own words, or it did
/// not answer within 30 s. Blocks; leaves no process and no file behind.
Result<std::string> topology_in_scratch_controller(const Environment& environment, const SlurmConf& real,
                                                   const std::string& conf_folder, const std::string& name,
                                                   const std::string& text);

/// "24.11.5" of slurmctld -V. Error (usage): it is not here.
Result<std::string> slurmctld_version(const Environment& environment);

} // namespace railhead
