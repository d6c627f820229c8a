#pragma once
#include "base/error.hpp"
#include "slurm/gres.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace railhead {

/// Nodes that are alike: ten thousand nodes are a handful of classes.
struct NodeClass {
    std::vector<NodeGres> gres;
    std::uint32_t cpus = 0;              ///< specialized ones too: a job may be allowed to use them
    std::uint64_t memory_mib = 0;        ///< RealMemory without MemSpecLimit
    std::vector<std::string> features{}; ///< available ones, sorted
    std::uint32_t threads = 1;           ///< that are CPUs, of a core, all of which one job gets
    std::uint32_t sockets = 1;
    std::uint32_t cpus_for_jobs = 0; ///< without specialized ones (CPUEfctv); 0: not told
    bool operator==(const NodeClass&) const = default;
};

/// A node counts whatever its state, for its job only waits; Inventory::up is without those that are down.
struct Node {
    std::string name;
    std::uint32_t node_class = 0;      ///< index into Inventory::classes
    std::optional<std::uint32_t> leaf; ///< index into Inventory::leaves; absent: no tree topology names it
    std::optional<std::uint32_t> weight{}; ///< Weight of slurm.conf (5); absent: not asked
    bool down = false;                     ///< powered down or drained is not DOWN
};

/// Alike nodes of a partition on one leaf group.
struct LeafShare {
    std::optional<std::uint32_t> leaf; ///< as Node::leaf
    std::uint32_t node_class = 0, nodes = 0;
};

/// MaxMemPerNode or MaxMemPerCPU, DefMemPerNode or DefMemPerCPU (slurm.conf(5)): one of both.
struct MemoryPer {
    std::uint64_t mib = 0;
    bool cpu = false; ///< else the node
    bool operator==(const MemoryPer&) const = default;
};

/// DefMemPerNode=UNLIMITED, as `scontrol show partition` prints it.
inline constexpr std::uint64_t unlimited_memory = INT64_MAX;

/// What slurm.conf(5) sets for all partitions, or for one.
struct JobLimits {
    std::optional<MemoryPer> most_memory, default_memory;
    std::optional<std::uint64_t> default_cpus_per_gpu, default_memory_per_gpu_mib; ///< JobDefaults
    /// What is not set here is as in `general`.
    void fill_from(const JobLimits& general);
    bool operator==(const JobLimits&) const = default;
};
/// Reads the rest of them from "DefCpuPerGPU=4,DefMemPerGPU=8000" (JobDefaults).
void add_job_defaults(JobLimits& limits, std::string_view defaults);

struct Partition {
    std::string name;
    std::vector<std::uint32_t> nodes; ///< indices into Inventory::nodes, ascending
    bool is_default = false;
    bool open =
        true; ///< up, not hidden, not restricted to groups, accounts or QOS: may be proposed to anybody
    std::optional<std::uint32_t> max_nodes;                    ///< per job
    std::optional<std::uint32_t> max_minutes, default_minutes; ///< per job; absent: no limit, no default
    bool whole_nodes = false;                                  ///< OverSubscribe=EXCLUSIVE
    std::uint32_t min_nodes = 0;                               ///< per job
    std::optional<std::uint32_t> max_cpus_per_node{};          ///< of all its jobs
    bool bounds_sockets = false; ///< MaxCPUsPerSocket: less of a node than it has, whoever gets it whole
    JobLimits limits{};          ///< its own; InventoryBuilder::take() adds those of slurm.conf
    bool takes_jobs = true;      ///< State is UP or DOWN
    std::string alternate{};     ///< whose jobs get that partition instead where it takes none
    std::string qos{};           ///< the partition's own
    // What InventoryBuilder counts, so that no rule needs to walk the nodes.
    std::map<std::uint32_t, std::uint32_t> class_sizes{}; ///< node class -> number of its nodes; by `index`
    std::vector<LeafShare> leaf_shares{};
};

struct Reservation {
    std::string name, partition{};
    /// Indices into Inventory::nodes, ascending, that its jobs are confined to; absent: any (it reserves
    /// licenses only, or has FLEX).
    std::optional<std::vector<std::uint32_t>> nodes{};
};

/// 1 where slurm.conf(5) says that a node's CPUs are its cores.
constexpr std::uint32_t threads_of_core(std::uint32_t threads, std::uint32_t cpus, std::uint64_t cores) {
    return threads == 0 || cpus <= cores ? 1 : threads;
}

/// What the controller knew at one moment. Immutable once published; safe to share between threads.
struct Inventory {
    std::int64_t taken_at = 0; ///< seconds since the epoch, before the first of its RPCs was sent
    std::vector<NodeClass> classes;
    std::vector<Node> nodes;
    std::vector<Partition> partitions;
    std::vector<std::string> leaves; ///< leaf switches of topology/tree, or blocks of topology/block
    std::uint32_t block_size = 0;    ///< of base blocks (topology.conf(5)); 0: no topology/block
    std::vector<Reservation> reservations;
    std::uint32_t slurm_user = 0;        ///< uid
    std::uint32_t max_switch_wait = 300; ///< seconds; SchedulerParameters, slurm.conf(5)
    /// What any QOS lifts, or all where there is accounting and nobody knows its QOS: which one a job has
    /// that names none is not known.
    QosLifts qos_lifts;
    /// By name; empty where none lifts anything.
    std::map<std::string, QosLifts, std::less<>> qos{};
    /// By uid: the same of the default QOS of all of a user's associations together, for which of them a job
    /// gets depends on its account and partition. Users that are not here may have any QOS.
    std::map<std::uint32_t, QosLifts> default_qos{};
    /// SelectTypeParameters (slurm.conf(5)) name memory: else what is asked of it for CPUs or GPUs is no
    /// matter.
    bool counts_memory = true;
    /// And cores or sockets: then what is asked for each CPU is counted for all threads of a core. Not where
    /// a MaxMemPerCPU may make more CPUs of it.
    bool counts_cores = false;
    /// A job of fewer tasks than MinNodes of its partition gets no more nodes, and with GPUs waits for ever
    /// (24.11; 26.05 rejects it); 22.05 gives it more tasks.
    bool tasks_bound_nodes = false;
    /// --threads-per-core=1 gives a job one CPU of each core; 22.05 gives it two for each that it asks for,
    /// and more than the node has.
    bool threads_bound_cpus = false;
    /// Beside GPUs per task, a job waits for ever that does not fill each of its nodes with --ntasks-per-node
    /// tasks (26.05).
    bool tasks_fill_nodes = false;
    /// --gpus-per-socket are given on each socket of which the job has a core (26.05).
    bool gpus_on_each_socket = false;
    /// On each node, a job gets the shards of one GPU (24.11, 26.05; not with MULTIPLE_SHARING_GRES_PJ in
    /// SelectTypeParameters).
    bool shards_of_one_gpu = false;
    /// NodeFeaturesPlugins (slurm.conf(5)) may give a node what a job's --constraint names, and with it other
    /// CPUs, memory or GPUs.
    bool features_change_nodes = false;
    bool can_grow = false; ///< dynamic nodes that nobody knows yet may register: MaxNodeCount, slurm.conf(5)

    std::map<std::string, std::uint32_t, std::less<>> by_name; ///< name of a node -> index into `nodes`
    /// The same with no node in a partition that is down; null: none is down.
    std::shared_ptr<const Inventory> up{};

    std::optional<std::uint32_t> index_of(std::string_view node) const;
    const Partition* partition(std::string_view name) const;
    const Reservation* reservation(std::string_view name) const;
    /// The ones that Slurm would consider: the named ones, else the reservation's, else the default one;
    /// their alternates where they take no jobs. Empty when one of them is unknown here: then nothing can be
    /// said.
    std::vector<const Partition*> partitions_of(const JobRequest& job) const;
    std::vector<const Partition*> every_partition() const;
    /// What the QOS of its --qos lift together, or the default ones of its user, with those of its
    /// partitions; absent: one is not known.
    std::optional<QosLifts> lifts_of(const JobRequest& job) const;
};

/// Collects nodes, partitions and leaves by name and links them by index.
class InventoryBuilder {
  public:
    void add_node(std::string name, NodeClass node_class);
    /// Names that are no node are left out: they were removed between two RPCs.
    void add_partition(Partition partition, const std::vector<std::string>& nodes);
    void add_leaf(const std::string& name, const std::vector<std::string>& nodes);
    void add_topology(std::string_view text); ///< as read_topology() reads it
    /// Of one of the user's associations; empty: it has none of its own.
    void add_default_qos(std::uint32_t uid, std::string qos) { default_qos_[uid].insert(std::move(qos)); }
    /// Indices of those of `names` that are nodes, ascending.
    std::vector<std::uint32_t> indices_of(const std::vector<std::string>& names) const;
    Inventory& inventory() { return inventory_; }
    JobLimits& limits() { return limits_; } ///< of all partitions that have none of their own
    Inventory take();

  private:
    Inventory inventory_;
    JobLimits limits_;
    std::map<std::uint32_t, std::set<std::string>> default_qos_; // by uid
};

struct Leaf {
    std::string name;
    std::vector<std::string> nodes;
};

/// What `scontrol show topology` prints of leaf groups.
struct Topology {
    std::vector<Leaf> leaves;
    std::uint32_t block_size = 0;
};

/// Leaf switches of topology/tree (all versions), base blocks of topology/block (since 23.11). Other lines,
/// and what cannot be read, yield none. Source: _print_topo_record() of 22.05 and 24.11, and
/// topology_p_topology_print() of topology/block.
Topology read_topology(std::string_view text);

/// max_switch_wait of SchedulerParameters, 300 when it is not there.
std::uint32_t max_switch_wait_from(std::string_view scheduler_parameters);

} // namespace railhead
