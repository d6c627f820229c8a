#pragma once
#include "slurm/inventory.hpp"

#include <cstdint>
#include <limits>
#include <optional>
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

/// What the job's QOS lifts, or may lift.
QosLifts lifts_for(const std::optional<QosLifts>& of_job, const Inventory& inventory);

/// Nodes that one job may have: MaxNodes of the partition (of that of them which gives most), where its QOS
/// does not lift it.
std::uint32_t nodes_for_a_job(const Inventory& inventory, const Partition& partition,
                              const std::optional<QosLifts>& lifts);
std::uint32_t nodes_for_a_job(const Inventory& inventory, const Partitions& partitions,
                              const std::optional<QosLifts>& lifts);

/// The largest number where the product is larger: counts are the user's, and may be anything that 64 bits
/// hold.
std::uint64_t product(std::uint64_t a, std::uint64_t b);

/// What the job asks of the resource "gpu", in the order of its options.
std::vector<const GresItem*> gpu_items(const JobRequest& job);
/// The job's tasks, or those that Slurm makes of its nodes for --ntasks-per-gpu.
std::optional<std::uint64_t> tasks_with_gpus(const JobRequest& job);
/// Of --ntasks-per-gpu alone, Slurm makes GPUs of the job's tasks (gres_job_state_validate() of all
/// versions): the job with them; absent: it is another one.
std::optional<JobRequest> with_gpus_of_tasks(const JobRequest& job);
/// "gpu:h100:8 per node", "gpu:16".
std::string spelled(const GresItem& item);
/// GPUs of `type` (empty: of all types together) of such a node; those without a type count for every type.
std::uint64_t gpus_of_class(const NodeClass& node, const std::string& type);

/// CPUs of such a node that the job can get: without specialized ones, and of each core the threads that it
/// uses.
std::uint32_t cpus_for(const JobRequest& job, const NodeClass& node);
/// Tasks that such a node takes at most, whatever CPUs they need.
std::uint64_t tasks_for(const JobRequest& job, const NodeClass& node);

/// GPUs of `partitions` by type and number, the kind with most nodes first. A node in two of them counts once
/// per partition only where class sizes overlap; the numbers are for texts and maxima, not for sums.
std::vector<GpuPool> gpu_pools(const Inventory& inventory, const Partitions& partitions);
/// Those of them that a request for `type` may get (empty: all).
std::vector<GpuPool> of_type(std::vector<GpuPool> pools, const std::string& type);

/// The most GPUs of `type` (empty: of all types together) that one node of `partitions` has. GPUs configured
/// without a type count for every type: slurm.conf may leave out what gres.conf says.
std::uint64_t most_gpus_per_node(const Inventory& inventory, const Partitions& partitions,
                                 const std::string& type);
/// The same, of at most `nodes` nodes that one of the partitions gives to a job together; on each of them a
/// multiple of `unit`.
std::uint64_t most_gpus(const Inventory& inventory, const Partitions& partitions, const std::string& type,
                        std::uint32_t nodes, const std::optional<QosLifts>& lifts, std::uint64_t unit = 1);

/// What a job asks of a partition for one of its items, as far as it is certain.
struct Demand {
    std::string type;                ///< empty: any
    std::uint64_t on_one_node = 1;   ///< GPUs that one node must have at least, whatever Slurm chooses
    std::uint64_t on_every_node = 1; ///< and that each node of the job must have
    std::uint64_t total = 1;
    std::uint64_t unit = 1; ///< GPUs of a task, which are on one node
    std::uint32_t nodes_min = 1;
    std::uint32_t nodes_max = std::numeric_limits<std::uint32_t>::max();
    std::optional<QosLifts> lifts{}; ///< as JobRequest's
};
Demand demand_of(const GresItem& item, const JobRequest& job);

/// Nodes of that partition of them that has most nodes for it.
std::uint32_t nodes_with(const Inventory& inventory, const Partitions& partitions, const Demand& demand);

/// Tasks that one node must take at least.
std::uint64_t tasks_on_one_node(const JobRequest& job);
/// The same beside GPUs per task: then Slurm takes --ntasks-per-node at its word, --ntasks or not.
std::uint64_t tasks_with_gpus_on_one_node(const JobRequest& job);

/// Whether one of `partitions` has nodes for it.
bool can_hold(const Inventory& inventory, const Partitions& partitions, const Demand& demand);

/// "h100 x 8 on 32 nodes, a100 x 4 on 2 nodes", "no GPUs"; of many the first.
std::string describe(const std::vector<GpuPool>& pools);

/// "partition gpu", "partitions gpu and big"; of many the first.
std::string describe(const Partitions& partitions);
/// The verb that goes with them: "has", "have".
std::string_view has(const Partitions& partitions);
/// "gives", "give"; "allows", "allow".
std::string verb(const Partitions& partitions, std::string_view plural);

/// "try A or B or C or else D" of the ways that are not empty; empty when none is. judge() leaves two that
/// work, and D only where no other does.
std::string try_one_of(std::vector<std::string> ways, const std::string& else_way = "");

/// What the user types for `wanted` instead of `item` of the job: "--gpus-per-node=h100:8". It replaces what
/// was typed: in the same option, with the other resources of a --gres list; where the option is not told,
/// with a --gres=none, which all versions take beside it.
std::string option_for(const GresItem& wanted, const GresItem& item, const JobRequest& job);
/// "--partition=gpu"; in an update, scontrol's "partition=gpu".
std::string option_for(const Partition& partition, const JobRequest& job);

/// An update that does not name the partition may be of a running job, whose time and nodes its user may
/// lower to what no partition would give anew.
bool may_run(const JobRequest& job);

/// "--nodes=2"; in an update, "numnodes=2".
std::string nodes_option(std::uint64_t nodes, const JobRequest& job);

/// "--cpus-per-task=2", or in the --tres-per-task that said it: sbatch takes not both.
std::string cpus_option(std::uint64_t cpus, const JobRequest& job);

/// Whether to propose it to anybody: one whose nodes are all down would start nothing now.
bool may_be_proposed(const Partition& partition, const Inventory& inventory);

/// The partitions open to anybody, other than `except`, that can hold it (a proposal is certain, so GPUs
/// without a type do not count for one).
Partitions partitions_with(const Inventory& inventory, const Partitions& except, const Demand& demand);
/// Adds a way for each of them.
void add_ways(std::vector<std::string>& ways, const Partitions& others, const JobRequest& job);

} // namespace railhead
