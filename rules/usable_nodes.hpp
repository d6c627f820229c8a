#pragma once
#include "rules/capacity.hpp"
#include "slurm/constraint.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace railhead {

/// What one node must give at least, whatever Slurm chooses.
struct NodeNeed {
    std::uint64_t tasks = 1, gpus = 0, cpus = 1, memory_mib = 0;
    std::uint64_t memory_per_cpu_mib = 0; ///< for all threads of the cores that give the CPUs; else 0
    /// What decides their number: --mem, or so much for each.
    enum class By { node, task, cpu, gpu } cpus_by = By::task, memory_by = By::node;
};
NodeNeed node_need_of(const JobRequest& job, const Inventory& inventory);
/// That of so many threads a core.
NodeNeed on_cores(NodeNeed need, std::uint32_t threads);

/// block{b1}, switch{s1}: not only names, and which nodes they are is not known.
bool names_sets(const std::string& hosts);

/// The first of a host list that is no node, so that Slurm rejects the job whatever else it asks; empty:
/// none. It may be a NodeSet, which the inventory does not know.
std::string unknown_host(const std::string& hosts, const Inventory& inventory);

/// Which nodes of a partition a job can use, all of its options taken together. Features, the reservation and
/// hosts that the inventory does not know, or that cannot be judged a node at a time, exclude none.
class UsableNodes {
  public:
    /// Both must outlive it.
    UsableNodes(const JobRequest& job, const Inventory& inventory);

    /// Nodes of a partition that are left, condition by condition.
    struct Count {
        std::uint64_t with_gpus = 0;      ///< of the partition, that have the GPUs asked for
        std::uint64_t in_reservation = 0; ///< and that the reservation gives
        std::uint64_t with_features = 0;  ///< and that the constraint allows
        std::uint64_t all = 0;            ///< and that have the CPUs and the memory, and are not excluded
        std::uint64_t most_cpus = 0, most_memory_mib = 0; ///< of one of `with_features`
        std::uint64_t most_tasks = 0;                     ///< whatever their CPUs, likewise
        std::map<std::uint32_t, std::uint64_t> classes{}; ///< of `all`: node class -> nodes
    };
    /// With alternatives of which all nodes must have the same, for the one that leaves most.
    Count in(const Partition& partition) const;

    /// Number of usable nodes of the partition on each leaf group that has any, in descending order; empty
    /// when a usable node is on none.
    std::vector<std::uint32_t> on_leaves_of(const Partition& partition) const;
    /// How many nodes that are known --nodelist names.
    std::size_t named() const { return wanted_.size(); }
    /// Whether the partition has all of them.
    bool has_named(const Partition& partition) const;
    /// The first of those named in --nodelist that is not usable in the partition; empty: none. One that is
    /// excluded besides is the rule conflict's.
    std::string unfit_in(const Partition& partition) const;

    const NodeNeed& need() const { return need_; }
    const std::vector<Demand>& demands() const { return demands_; }
    bool confined() const { return reserved_ != nullptr; } ///< by a reservation
    /// Features of nodes of the partition with the GPUs and in the reservation: "ib, nvme"; at most eight.
    std::string features_of(const Partition& partition) const;

  private:
    using Sets = std::vector<Constraint::Features>;
    bool has_gpus(const NodeClass& node) const;
    bool has_room(const NodeClass& node) const;
    bool fits_alone(std::uint32_t node) const; ///< --exclude apart
    Count count(const Partition& partition, const Sets& sets) const;
    /// Node class -> nodes of the partition that the reservation gives.
    std::map<std::uint32_t, std::uint64_t> given(const Partition& partition) const;
    std::set<std::uint32_t> indices_of(const std::string& hosts) const;

    const JobRequest& job_;
    const Inventory& inventory_;
    NodeNeed need_;
    std::vector<Demand> demands_;
    std::vector<bool> class_fits_; ///< by node class
    Sets sets_;                    ///< empty: no constraint
    bool same_on_all_ = false;
    const std::vector<std::uint32_t>* reserved_ = nullptr;
    std::set<std::uint32_t> wanted_, excluded_;
};

} // namespace railhead
