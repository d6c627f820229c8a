#pragma once
#include "base/finding.hpp"
#include "preflight/node_facts.hpp"

#include <string>
#include <vector>

namespace railhead {

/// What is wrong with a node by what it shows of itself, the worst first; of a GPU or port by comparison with
/// the others of the node.
///
/// gpu-bus        fail: a GPU does not answer on the PCI bus
/// gpu-driver     fail: NVIDIA's driver has not got all GPUs
/// gpu-xid        by what it means: errors that the driver logged
/// pcie-width     warn: a GPU or adapter has fewer lanes than it and its slot could have
/// rdma-port      warn: a port is not ACTIVE while others are; fail where it is the nearest of a GPU
/// rdma-rate      warn: a port is slower than most of its kind
/// gpudirect      warn: GPUs and RDMA ports are there, and nothing that joins them
/// locked-memory  fail: too little may be locked for RDMA
/// open-files     warn: few files may be open
/// shared-memory  fail: /dev/shm is small or full
/// temporary-room fail: the folder for temporary files is full
/// mount          fail: a file system of another machine hangs or fails
/// clock          warn: nobody sets the clock
/// kernel-log     unknown: it cannot be read
std::vector<Finding> node_verdicts(const NodeFacts& facts);

/// "8 GPUs, 8 RDMA ports (8 ACTIVE), 2 remote file systems": what was looked at.
std::string looked_at(const NodeFacts& facts);

/// Each GPU with its nearest RDMA device: "GPU 0000:17:00.0: mlx5_0, on one PCIe switch".
std::vector<std::string> nearest_adapters(const NodeFacts& facts);

/// The RDMA devices that no other is nearer to a GPU than, in the order of their addresses.
std::vector<std::string> adapters_nearest_to(const NodeFacts& facts, const PciFunction& gpu);

/// The RDMA device that is nearest to a GPU by the way over the PCI bridges; of equals, the one whose own
/// place among them is that of the GPU. Absent: none is there.
std::optional<std::string> nearest_adapter(const NodeFacts& facts, const PciFunction& gpu);

} // namespace railhead
