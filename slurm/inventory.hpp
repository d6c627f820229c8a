#pragma once
#include "base/error.hpp"
#include "slurm/gres.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace railhead {

/// Nodes that are alike: ten thousand nodes are a handful of classes.
struct NodeClass {
    std::vector<NodeGres> gres;
    std::uint32_t cpus = 0;              ///< specialized ones too: a job may be allowed to use them
    std::uint64_t memory_mib = 0;        ///< as configured
    std::vector<std::string> features{}; ///< available ones, sorted
    bool operator==(const NodeClass&) const = default;
};

/// A node counts whatever its state: one that is down or powered down is capacity, for its job only waits.
struct Node {
    std::string name;
    std::uint32_t node_class = 0;      ///< index into Inventory::classes
    std::optional<std::uint32_t> leaf; ///< index into Inventory::leaves; absent: no tree topology names it
    std::optional<std::uint32_t> weight{}; ///< Weight of slurm.conf (5); absent: not asked
};

/// Alike nodes of a partition on one leaf group.
struct LeafShare {
    std::optional<std::uint32_t> leaf; ///< as Node::leaf
    std::uint32_t node_class = 0, nodes = 0;
};

struct Partition {
    std::string name;
    std::vector<std::uint32_t> nodes; ///< indices into Inventory::nodes, ascending
    bool is_default = false;
    bool open =
        true; ///< up, not hidden, not restricted to groups, accounts or QOS: may be proposed to anybody
    std::optional<std::uint32_t> max_nodes;                    ///< per job
    std::optional<std::uint32_t> max_minutes, default_minutes; ///< per job; absent: no limit, no default
    bool whole_nodes = false;                                  ///< OverSubscribe=EXCLUSIVE
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
    /// A QOS may let its jobs pass MaxNodes or MaxTime of a partition: one has the flag PartitionMaxNodes or
    /// PartitionTimeLimit (sacctmgr(1)), or there is accounting and nobody knows its QOS.
    bool qos_lifts_nodes = false, qos_lifts_time = false;
    bool can_grow = false; ///< dynamic nodes that nobody knows yet may register: MaxNodeCount, slurm.conf(5)

    std::map<std::string, std::uint32_t, std::less<>> by_name; ///< name of a node -> index into `nodes`

    std::optional<std::uint32_t> index_of(std::string_view node) const;
    const Partition* partition(std::string_view name) const;
    const Reservation* reservation(std::string_view name) const;
    /// The ones that Slurm would consider: the named ones, else the reservation's, else the default one.
    /// Empty when one of them is unknown here: then nothing can be said.
    std::vector<const Partition*> partitions_of(const JobRequest& job) const;
    std::vector<const Partition*> every_partition() const;
};

/// Collects nodes, partitions and leaves by name and links them by index.
class InventoryBuilder {
  public:
    void add_node(std::string name, NodeClass node_class);
    /// Names that are no node are left out: they were removed between two RPCs.
    void add_partition(Partition partition, const std::vector<std::string>& nodes);
    void add_leaf(const std::string& name, const std::vector<std::string>& nodes);
    void add_topology(std::string_view text); ///< as read_topology() reads it
    /// Indices of those of `names` that are nodes, ascending.
    std::vector<std::uint32_t> indices_of(const std::vector<std::string>& names) const;
    Inventory& inventory() { return inventory_; }
    Inventory take();

  private:
    Inventory inventory_;
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
