#pragma once
#include "base/finding.hpp"
#include "preflight/nccl_map.hpp"

#include <vector>

namespace railhead::nccl {

/// Whether the traffic between nodes goes over sockets and why, whether processes disagree about the network,
/// and whether ranks meet over an interface that other nodes cannot reach.
std::vector<Finding> fallback(const Log& log, const Nodes& nodes);

} // namespace railhead::nccl
