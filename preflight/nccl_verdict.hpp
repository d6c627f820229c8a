#pragma once
#include "base/finding.hpp"
#include "preflight/nccl_log.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace railhead::nccl {

/// How many channels took which way: "NET/IB with GPUDirect RDMA" -> 64. Each is counted once, by its
/// receiver where both ends tell.
struct Summary {
    std::uint32_t ranks = 0; ///< of the largest communicator
    std::size_t nodes = 0;   ///< whose lines are there, or as NCCL says
    std::map<std::string, std::uint64_t> between_nodes, inside_nodes;
};

Summary summary_of(const Log& log);

/// The ways by which the two ranks of a pair reach each other, a line for each: "rank 0 on node1 -> rank 8 on
/// node2: 4 channels by NET/IB/0 with GPUDirect RDMA".
std::vector<std::string> pairs_of(const Log& log);

/// What is wrong with the way NCCL took, the worst first:
/// nccl-fallback    fail: the traffic between nodes goes over sockets
/// nccl-error       fail: what NCCL itself calls an error
/// nccl-network     fail: processes have chosen different networks
/// nccl-bootstrap   fail: ranks on several nodes meet over an interface that other nodes do not reach
/// nccl-gpudirect   warn: RDMA that goes through the memory of the host
/// nccl-cross-rail  warn: it leaves by one NIC and arrives at one of another number
/// nccl-inside-node warn: ranks of one node reach each other by the network only
/// nccl-incomplete  warn: ranks that have begun and not completed their communicator
/// nccl-adapters    warn: processes of one node that use different NICs
/// nccl-versions    warn: several versions of NCCL
/// nccl-remark      warn: what NCCL warns of besides
/// nccl-transport   unknown: which way was taken is not in the log
std::vector<Finding> verdicts(const Log& log);

} // namespace railhead::nccl
