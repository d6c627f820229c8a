#pragma once
#include "base/error.hpp"
#include "preflight/node_facts.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// A GPU and the port that is nearest to it.
struct GpuRail {
    std::uint32_t number = 0; ///< of its device file, as Slurm numbers it; else its place on the PCI bus
    std::string address;
    std::string port; ///< "mlx5_0:1"; empty: none is ACTIVE
    std::string why;  ///< "on one PCIe switch"
    std::string cpus; ///< near to it, "0-15,64-79"; empty: not told
};

struct LeftOut {
    std::string name, why; ///< of a port, or of a variable
};

/// What carries a job's traffic on a node.
struct Rails {
    std::vector<std::string> ports; ///< ACTIVE ones of compute adapters, as people count
    std::vector<LeftOut> left_out;
    std::string interface;     ///< on which nodes meet; empty: not known
    std::vector<GpuRail> gpus; ///< in the order of their numbers
};

/// What the site says of it.
struct RailWishes {
    std::vector<std::string> adapters; ///< "mlx5_0"; none: those that are nearest to a GPU
    std::string interface;             ///< empty: that of the default route
};

/// Adapters that are the nearest to no GPU carry storage or management, and so do those of another model
/// that are slower than the others. NCCL and UCX take ports of InfiniBand and Ethernet (src/transport/
/// net_ib.cc), and AWS's EFA by a plugin of its own.
Rails rails_of(const NodeFacts& facts, const RailWishes& wishes);

/// A variable, and why it has that value.
struct RailVariable {
    std::string name, value, why;
};

/// NCCL_IB_HCA and NCCL_SOCKET_IFNAME: the same for all processes of a node, for NCCL searches its graph with
/// them (NVIDIA/nccl#1478).
std::vector<RailVariable> variables_of_node(const Rails& rails);

/// UCX_NET_DEVICES, and RAILHEAD_NIC to look at: of a task that has these GPUs. With one GPU, and so one
/// rank, OMP_NUM_THREADS as well, where the number of its CPUs is known.
std::vector<RailVariable> variables_of_task(const Rails& rails, const std::vector<int>& gpus,
                                            std::optional<std::uint32_t> cpus = {});

/// What `railhead env --json` has told. Error (internal): the text is none of its documents.
struct ToldRails {
    Rails rails; ///< with GPUs only
    std::vector<RailVariable> variables;
};
Result<ToldRails> rails_from(const std::string& text);

} // namespace railhead
