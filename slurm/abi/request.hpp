#pragma once
#include "base/error.hpp"
#include "slurm/abi/headers.hpp"
#include "slurm/request.hpp"

namespace railhead::abi {

/// Reads what the user asked for, in the spelling of the Slurm this is compiled for. `modify`: the
/// description holds changed fields only. Error (usage): a GRES that cannot be read, with its position; Slurm
/// will judge it.
Result<JobRequest> request_from(const job_desc_msg_t& job, bool modify);

/// A hash of all that request_from() makes of a submission and the rules judge by; it takes no memory of its
/// own. Submissions of one shape are judged alike if they are known by it. `uid`: who sends it. `seed`:
/// nobody who submits knows it, and so nobody makes two of one hash.
std::uint64_t shape_of(const job_desc_msg_t& job, std::uint32_t uid, std::uint64_t seed);

/// False for one whose judgement depends on more: a component of a heterogeneous job, a job in a reservation,
/// and several GRES per node, whose options stand in the command line.
bool is_known_by_shape(const job_desc_msg_t& job);

/// The shape of one of which something is said: in the option that asked for the GRES per node.
std::uint64_t spelled_shape_of(const job_desc_msg_t& job, std::uint64_t shape);

/// Whether --rail-on-loss asks that the job goes on when Slurm loses one of its nodes.
bool outlives_nodes(const job_desc_msg_t& job);

} // namespace railhead::abi
