#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// What a count of a GRES request is counted per.
enum class Per { job, node, socket, task };

std::string_view name_of(Per per); ///< "job", "node", "socket", "task"

/// What the user typed for a GRES: Slurm adds the two options for a node up in one field, so that one cannot
/// replace the other. --tres-per-task is known by its name, too, and GPUs that --ntasks-per-gpu makes of
/// tasks.
enum class NodeOption { gpus_per_node, gres, untold, tres_per_task, ntasks_per_gpu };

/// One generic resource as the user asked for it; nothing is derived.
struct GresItem {
    std::string gres; ///< "gpu"
    std::string type; ///< "h100"; empty: any
    Per per = Per::node;
    std::uint64_t count = 1; ///< 1 when the user named none
    std::string spelling;    ///< as it came: "gres/gpu:h100:8"
    /// tres_per_task or ntasks_per_gpu; else meaningless unless it is per node.
    NodeOption option = NodeOption::gpus_per_node;
    /// The number of an earlier one of the same name and type, which Slurm drops for this one.
    std::optional<std::uint64_t> replaced{};
    std::string beside{}; ///< what else --tres-per-task said: "cpu=2,"
    bool operator==(const GresItem&) const = default;
};

/// All generic resources of a job or of one component of a heterogeneous job.
struct GpuRequest {
    std::vector<GresItem> items;
    bool operator==(const GpuRequest&) const = default;
};

/// Limits of a partition that a QOS lets its jobs pass: it has the flag PartitionMaxNodes, PartitionMinNodes
/// or PartitionTimeLimit (sacctmgr(1)).
struct QosLifts {
    bool nodes = false, min_nodes = false, time = false;
    bool any() const { return nodes || min_nodes || time; }
    QosLifts& operator|=(const QosLifts& other) {
        nodes |= other.nodes;
        min_nodes |= other.min_nodes;
        time |= other.time;
        return *this;
    }
    bool operator==(const QosLifts&) const = default;
};

/// A submission as its user wrote it, without Slurm's headers, so that the rules run on a script as well.
/// What was not asked is absent. Filled by slurm/abi/request.cpp from job_desc_msg_t (all versions).
struct JobRequest {
    GpuRequest gpus;
    std::optional<std::uint32_t> nodes_min, nodes_max;
    bool nodes_follow_tasks = false; ///< nodes_max is not the user's: Slurm 26.05 makes it of the tasks
    std::optional<std::uint32_t> tasks, tasks_per_node, tasks_per_gpu, cpus_per_task;
    bool cpus_by_tres = false; ///< the CPUs per task were typed as --tres-per-task=cpu=N
    std::optional<std::uint64_t> memory_per_node_mib, memory_per_cpu_mib; ///< 0: all of the node's
    std::optional<std::uint64_t> cpus_per_gpu, memory_per_gpu_mib;
    std::optional<std::uint32_t> time_minutes, time_min_minutes; ///< UINT32_MAX: no limit
    std::string gpu_bind; ///< --gpu-bind, or what follows from per-task GPUs: "gres/gpu:per_task:1"
    std::optional<std::uint32_t> switches;
    std::optional<std::uint32_t> segment;
    std::vector<std::string> partitions; ///< empty: the reservation's or the default one
    std::string account, qos, reservation, features, nodelist, exclude, array;
    bool exclusive = false, overcommit = false;
    /// --ntasks-per-socket, --core-spec and others like them: also with --exclusive, Slurm may count fewer
    /// CPUs than a node has.
    bool some_cpus = false;
    /// Bounds of what it uses of a node; --hint=nomultithread is one thread per core.
    std::optional<std::uint32_t> threads_per_core, tasks_per_core, tasks_per_socket;
    bool core_spec = false; ///< --core-spec, --thread-spec: it may get specialized CPUs
    std::optional<std::uint32_t> het_offset;
    std::vector<JobRequest> earlier{};    ///< the components of its heterogeneous job that came before it
    std::optional<std::string> placement; ///< --rail-placement: "compact" or "any"
    std::optional<QosLifts> lifts{};      ///< what its QOS are known to lift; judge() fills it in
    std::uint32_t uid = 0;
    std::string user;    ///< its name, where it is known without asking anybody
    bool modify = false; ///< an update of a job: what is absent stays as it is
};

} // namespace railhead
