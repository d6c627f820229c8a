#pragma once
#include "launcher/supervisor/srun.hpp"
#include "launcher/supervisor/supervisor.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace railhead {

/// Where agents find the supervisor, and how both know each other.
struct Meeting {
    std::vector<std::string> addresses; ///< tried in turn
    std::uint16_t port = 0;
    std::string key, launch;
};

/// Adds what Slurm's commands say: its version, and how many GPUs each node has. Error (usage): they did not
/// tell about the job; the launch can go on without. Blocks, at most 20 s.
Result<void> ask_about(LaunchSpec& spec);

/// Whether command, --env and working directory can be told to agents. Error (usage): one is no UTF-8, or
/// they are too long for a message.
Result<void> can_be_told(const LaunchSpec& spec);

/// This node's addresses by the policy of `spec`; on one that is not of the job (salloc on a login node) all,
/// where the policy leaves none. Error (usage): none, or only loopback while agents are on
/// other nodes.
Result<std::vector<std::string>> addresses_for_agents(const LaunchSpec& spec);

/// The step of the agents.
StepSpec step_for(const LaunchSpec& spec, const std::string& launch);

/// What the agents of one component get on standard input.
Invitation invitation_for(const LaunchSpec& spec, const Meeting& meeting, std::size_t component);

} // namespace railhead
