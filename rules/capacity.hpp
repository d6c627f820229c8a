#pragma once
#include "slurm/inventory.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace railhead {

/// One kind of GPU in a set of partitions: "h100 x 8 on 32 nodes".
struct GpuPool {
    std::string type; ///< empty: GPUs without a type
    std::uint64_t per_node = 0;
    std::uint32_t nodes = 0;
    bool operator==(const GpuPool&) const = default;
};

using Partitions = std::vector<const Partition*>;

/// The largest number where the product is larger: counts are the user's, and may be anything that 64 bits
/// hold.
std::uint64_t product(std::uint64_t a, std::uint64_t b);

/// What the job asks of the resource "gpu", in the order of its options.
std::vector<const GresItem*> gpu_items(const JobRequest& job);
/// "gpu:h100:8 per node", "gpu:16".
std::string spelled(const GresItem& item);
/// GPUs of `type` (empty: of all types together) of such a node; those without a type count for every type.
std::uint64_t gpus_of_class(const NodeClass& node, const std::string& type);

/// GPUs of `partitions` by type and number, the kind with most nodes first. A node in two of them counts once
/// per partition only where class sizes overlap; the numbers are for texts and maxima, not for sums.
std::vector<GpuPool> gpu_pools(const Inventory& inventory, const Partitions& partitions);
/// Those of them that a request for `type` may get (empty: all).
std::vector<GpuPool> of_type(std::vector<GpuPool> pools, const std::string& type);

/// The most GPUs of `type` (empty: of all types together) that one node of `partitions` has. GPUs configured
/// without a type count for every type: slurm.conf may leave out what gres.conf says.
std::uint64_t most_gpus_per_node(const Inventory& inventory, const Partitions& partitions,
                                 const std::string& type);
/// The same, of at most `nodes` nodes of one of the partitions together.
std::uint64_t most_gpus(const Inventory& inventory, const Partitions& partitions, const std::string& type,
                        std::uint32_t nodes);

/// What a job asks of a partition for one of its items, as far as it is certain.
struct Demand {
    std::string type;                ///< empty: any
    std::uint64_t on_one_node = 1;   ///< GPUs that one node must have at least, whatever Slurm chooses
    std::uint64_t on_every_node = 1; ///< and that each node of the job must have
    std::uint64_t total = 1;
    std::uint32_t nodes_min = 1;
    std::uint32_t nodes_max = std::numeric_limits<std::uint32_t>::max();
};
Demand demand_of(const GresItem& item, const JobRequest& job);

/// Nodes of that partition of them that has most nodes for it.
std::uint32_t nodes_with(const Inventory& inventory, const Partitions& partitions, const Demand& demand);

/// Tasks that one node must take at least.
std::uint64_t tasks_on_one_node(const JobRequest& job);

/// Whether one of `partitions` has nodes for it.
bool can_hold(const Inventory& inventory, const Partitions& partitions, const Demand& demand);

/// "h100 x 8 on 32 nodes, a100 x 4 on 2 nodes", "no GPUs".
std::string describe(const std::vector<GpuPool>& pools);

/// "partition gpu", "partitions gpu and big".
std::string describe(const Partitions& partitions);

/// "try A or B" of the ways that are not empty; empty when none is.
std::string try_one_of(std::vector<std::string> ways);

/// What the user types for `wanted` instead of `item` of the job: "--gpus-per-node=h100:8". It replaces what
/// was typed: in the same option, with the other resources of a --gres list; where the option is not told,
/// with a --gres=none, which all versions take beside it.
std::string option_for(const GresItem& wanted, const GresItem& item, const JobRequest& job);
/// "--partition=gpu"; in an update, scontrol's "partition=gpu".
std::string option_for(const Partition& partition, const JobRequest& job);

/// The first partition open to anybody, other than `except`, that can hold it (a proposal is certain, so GPUs
/// without a type do not count for one); null when there is none.
const Partition* partition_with(const Inventory& inventory, const Partitions& except, const Demand& demand);

} // namespace railhead
