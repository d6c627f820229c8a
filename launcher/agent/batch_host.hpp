#pragma once
#include "base/environment.hpp"
#include "launcher/wire.hpp"

#include <string_view>

namespace railhead {

/// What agents do that have lost a supervisor which ran on the node of the batch script, once their own part
/// has ended. A job of --no-kill stays with its other nodes when that node is lost (Slurm takes it out of the
/// job, excise_node_from_job() in src/slurmctld/job_mgr.c), where nothing of it runs any more: it goes back
/// to the queue, or is cancelled where it may not. Only when slurmd does not answer there and slurmctld, too,
/// takes the node for lost; waits for that for at most 10 minutes, by one question in 5 s, or until `signals`
/// (a signalfd) tells to end. Blocks. Of all agents only those on the second to fourth node of the job do it.
void end_job_of_lost_batch_host(const Invitation& invitation, const Environment& environment, int signals);

/// Whether `scontrol show node` says that it does not answer: "State=DOWN+DYNAMIC_NORM", "State=MIXED*".
bool is_lost(std::string_view shown);

} // namespace railhead
