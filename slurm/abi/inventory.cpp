#include "slurm/abi/inventory.hpp"

#include "base/number.hpp"
#include "slurm/abi/headers.hpp"
#include "slurm/abi/memory.hpp"
#include "slurm/constraint.hpp"
#include "slurm/hostlist.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <set>

namespace railhead::abi {
namespace {

/// Hidden partitions too; and only this cluster, not a federation's.
constexpr std::uint16_t show_flags = SHOW_ALL | SHOW_LOCAL;

/// In slurm_conf_t::select_type_param.
#ifdef CR_MEMORY
constexpr auto counted_memory = CR_MEMORY;
constexpr auto counted_cores = CR_CORE | CR_SOCKET;
#else // 26.05
constexpr auto counted_memory = SELECT_MEMORY;
constexpr auto counted_cores = SELECT_CORE | SELECT_SOCKET;
#endif
#ifdef MULTIPLE_SHARING_GRES_PJ
constexpr auto several_shared = MULTIPLE_SHARING_GRES_PJ;
#elif SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(24, 11, 0)
constexpr auto several_shared = SELECT_MULTIPLE_SHARING_GRES_PJ; // 26.05
#endif

template <class T>
using Message = std::unique_ptr<T, void (*)(T*)>;

tl::unexpected<Error> failed(const char* what) {
    return fail(ErrorKind::internal, {.id = "inventory",
                                      .thing = std::string("asking slurmctld for its ") + what,
                                      .seen = std::string("failed: ") + slurm_strerror(errno)});
}

std::optional<std::uint32_t> limit_of(std::uint32_t field) {
    if (field == INFINITE || field == NO_VAL) return std::nullopt;
    return field;
}

/// MaxMemPerCPU and MaxMemPerNode, or the two defaults, are one field with a flag; 0 is none. UNLIMITED is
/// none as a limit, and as a default more than any node has.
std::optional<MemoryPer> memory_of(std::uint64_t field) {
    auto mib = field & ~std::uint64_t{MEM_PER_CPU};
    if (mib == 0 || field == NO_VAL64 || field == INFINITE64) return std::nullopt;
    return MemoryPer{.mib = mib, .cpu = (field & MEM_PER_CPU) != 0};
}

/// Of a partition_info_t or a slurm_conf_t.
template <class Record>
JobLimits limits_in(const Record& record) {
    JobLimits limits{.most_memory = memory_of(record.max_mem_per_cpu),
                     .default_memory = memory_of(record.def_mem_per_cpu)};
    if (record.def_mem_per_cpu == INFINITE64)
        limits.default_memory = MemoryPer{.mib = unlimited_memory, .cpu = true};
    if (!record.job_defaults_list) return limits;
    auto* each = slurm_list_iterator_create(record.job_defaults_list);
    while (const auto* one = static_cast<const job_defaults_t*>(slurm_list_next(each))) {
        if (one->type == JOB_DEF_CPU_PER_GPU) limits.default_cpus_per_gpu = one->value;
        if (one->type == JOB_DEF_MEM_PER_GPU) limits.default_memory_per_gpu_mib = one->value;
    }
    slurm_list_iterator_destroy(each);
    return limits;
}

/// "ALL" and NULL are no restriction.
bool restricts(const char* list) {
    return list && *list && std::string_view(list) != "ALL";
}

/// `most_nodes`: the controller has room for so many.
Result<void> add_nodes(InventoryBuilder& builder, std::uint32_t most_nodes) {
    node_info_msg_t* raw = nullptr;
    if (slurm_load_node(0, &raw, show_flags | SHOW_FUTURE) != SLURM_SUCCESS || !raw) return failed("nodes");
    Message<node_info_msg_t> message(raw, slurm_free_node_info_msg);
    std::uint32_t nodes = 0;
    for (std::uint32_t i = 0; i < message->record_count; ++i) {
        const auto& node = message->node_array[i];
        if (!node.name) continue; // a removed dynamic node leaves a hole
        auto gres = parse_node_gres(node.gres ? node.gres : "");
        if (!gres) return tl::unexpected(std::move(gres.error()).within(node.name));
        ++nodes;
        builder.add_node(
            node.name,
            {.gres = std::move(*gres),
             .cpus = node.cpus,
             .memory_mib = node.real_memory - std::min(node.real_memory, node.mem_spec_limit),
             .features = node_features(text_of(node.features)),
             .threads = threads_of_core(node.threads, node.cpus, std::uint64_t{node.sockets} * node.cores),
             .sockets = std::max<std::uint32_t>(node.sockets, 1),
             .cpus_for_jobs = node.cpus_efctv});
        builder.inventory().nodes.back().down = (node.node_state & NODE_STATE_BASE) == NODE_STATE_DOWN;
    }
    builder.inventory().can_grow = nodes < most_nodes;
    return {};
}

Result<void> add_partitions(InventoryBuilder& builder) {
    partition_info_msg_t* raw = nullptr;
    if (slurm_load_partitions(0, &raw, show_flags) != SLURM_SUCCESS || !raw) return failed("partitions");
    Message<partition_info_msg_t> message(raw, slurm_free_partition_info_msg);
    for (std::uint32_t i = 0; i < message->record_count; ++i) {
        const auto& record = message->partition_array[i];
        auto nodes = expand_hostlist(record.nodes ? record.nodes : "");
        if (!nodes) return tl::unexpected(std::move(nodes.error()).within(text_of(record.name)));
        Partition partition{.name = text_of(record.name)};
        partition.is_default = record.flags & PART_FLAG_DEFAULT;
        partition.takes_jobs = record.state_up & PARTITION_SUBMIT;
        partition.alternate = text_of(record.alternate);
        partition.qos = text_of(record.qos_char);
        partition.open = record.state_up == PARTITION_UP &&
                         !(record.flags & (PART_FLAG_HIDDEN | PART_FLAG_ROOT_ONLY | PART_FLAG_REQ_RESV)) &&
                         !restricts(record.allow_groups) && !restricts(record.allow_accounts) &&
                         !restricts(record.allow_qos);
        partition.max_nodes = limit_of(record.max_nodes);
        partition.max_minutes = limit_of(record.max_time);
        partition.default_minutes = limit_of(record.default_time);
        partition.whole_nodes = record.max_share == 0;
        partition.min_nodes = limit_of(record.min_nodes).value_or(0);
        partition.max_cpus_per_node = limit_of(record.max_cpus_per_node);
#if RAILHEAD_HAS_CPUS_PER_SOCKET
        partition.bounds_sockets = limit_of(record.max_cpus_per_socket).has_value();
#endif
        partition.limits = limits_in(record);
        builder.add_partition(std::move(partition), *nodes);
    }
    return {};
}

Result<void> add_reservations(InventoryBuilder& builder) {
    reserve_info_msg_t* raw = nullptr;
    if (slurm_load_reservations(0, &raw) != SLURM_SUCCESS || !raw) return failed("reservations");
    Message<reserve_info_msg_t> message(raw, slurm_free_reservation_info_msg);
    for (std::uint32_t i = 0; i < message->record_count; ++i) {
        const auto& record = message->reservation_array[i];
        Reservation reservation{.name = text_of(record.name), .partition = text_of(record.partition)};
        auto nodes = expand_hostlist(text_of(record.node_list));
        if (!nodes) return tl::unexpected(std::move(nodes.error()).within(reservation.name));
        if (!nodes->empty() && !(record.flags & RESERVE_FLAG_FLEX))
            reservation.nodes = builder.indices_of(*nodes);
        builder.inventory().reservations.push_back(std::move(reservation));
    }
    return {};
}

struct Configuration {
    std::string topology; ///< plugin: "topology/tree"
    std::uint32_t most_nodes = 0;
    bool accounting = false; ///< so that there are QOS
};

Result<Configuration> add_configuration(InventoryBuilder& builder) {
    auto& inventory = builder.inventory();
    slurm_conf_t* raw = nullptr;
    if (slurm_load_ctl_conf(0, &raw) != SLURM_SUCCESS || !raw) return failed("configuration");
#if RAILHEAD_FREE_CONF_RENAMED
    Message<slurm_conf_t> conf(raw, slurm_free_conf);
#else
    Message<slurm_conf_t> conf(raw, slurm_free_ctl_conf);
#endif
    inventory.slurm_user = conf->slurm_user_id;
    inventory.tasks_bound_nodes = inventory.threads_bound_cpus =
        SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(24, 11, 0);
    inventory.tasks_fill_nodes = SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26, 5, 0);
    inventory.gpus_on_each_socket = SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26, 5, 0);
    inventory.counts_memory = conf->select_type_param & counted_memory;
    inventory.counts_cores = conf->select_type_param & counted_cores;
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(24, 11, 0)
    inventory.shards_of_one_gpu = !(conf->select_type_param & several_shared);
#endif
    inventory.features_change_nodes = !text_of(conf->node_features_plugins).empty();
    builder.limits() = limits_in(*conf);
    inventory.max_switch_wait = max_switch_wait_from(conf->sched_params ? conf->sched_params : "");
    auto accounting = text_of(conf->accounting_storage_type);
    return Configuration{.topology = text_of(conf->topology_plugin),
                         .most_nodes = limit_of(conf->max_node_cnt).value_or(0),
                         .accounting = !accounting.empty() && accounting != "accounting_storage/none"};
}

/// Of what the controller holds of slurmdbd's.
Result<Message<assoc_mgr_info_msg_t>> accounting(std::uint32_t flag, const char* what) {
    assoc_mgr_info_request_msg_t request{};
    request.flags = flag;
    assoc_mgr_info_msg_t* raw = nullptr;
    if (slurm_load_assoc_mgr_info(&request, &raw) != SLURM_SUCCESS || !raw) return failed(what);
    return Message<assoc_mgr_info_msg_t>(raw, slurm_free_assoc_mgr_info_msg);
}

template <class Record>
void for_each(decltype(assoc_mgr_info_msg_t::qos_list) list, const std::function<void(const Record&)>& act) {
    if (!list) return;
    auto* each = slurm_list_iterator_create(list);
    while (const auto* record = static_cast<const Record*>(slurm_list_next(each))) act(*record);
    slurm_list_iterator_destroy(each);
}

using QosNames = std::map<std::uint32_t, std::string>; // by id

/// The QOS of a job that names none: the association's default, else one of those that it may use, or
/// "normal" (assoc_mgr_get_default_qos_info() of src/common/assoc_mgr.c), so all of these. An empty name: not
/// known.
std::set<std::string> default_qos_of(const slurmdb_assoc_rec_t& association, const QosNames& names) {
    if (auto its = names.find(association.def_qos_id); its != names.end()) return {its->second};
    std::set<std::string> found;
    for_each<char>(association.qos_list, [&](const char& first) { // "1", and "+2" where it is no whole list
        const auto id = whole_number<std::uint32_t>(std::string_view(&first));
        auto its = id ? names.find(*id) : names.end();
        found.insert(its == names.end() ? "" : its->second);
    });
    if (found.empty()) return {""};
    for (const auto& each : names)
        if (each.second == "normal") found.insert(each.second);
    return found;
}

/// A site may have a hundred thousand associations: they are asked for only where it matters which QOS a job
/// has by default.
Result<void> add_default_qos(InventoryBuilder& builder, const QosNames& names) {
    auto message = accounting(ASSOC_MGR_INFO_FLAG_ASSOC, "associations");
    if (!message) return tl::unexpected(message.error());
    for_each<slurmdb_assoc_rec_t>((*message)->assoc_list, [&](const slurmdb_assoc_rec_t& association) {
        if (!association.user || association.uid == NO_VAL) return; // of an account, or of nobody here
        for (const auto& name : default_qos_of(association, names))
            builder.add_default_qos(association.uid, name);
    });
    return {};
}

/// None when the controller never reached slurmdbd.
Result<void> add_qos(InventoryBuilder& builder) {
    auto& inventory = builder.inventory();
    auto message = accounting(ASSOC_MGR_INFO_FLAG_QOS, "QOS");
    if (!message) return tl::unexpected(message.error());
    QosNames names;
    for_each<slurmdb_qos_rec_t>((*message)->qos_list, [&](const slurmdb_qos_rec_t& qos) {
        auto has = [&](auto flag) { return (qos.flags & flag) != 0; };
        names[qos.id] = text_of(qos.name);
        inventory.qos[text_of(qos.name)] = {.nodes = has(QOS_FLAG_PART_MAX_NODE),
                                            .min_nodes = has(QOS_FLAG_PART_MIN_NODE),
                                            .time = has(QOS_FLAG_PART_TIME_LIMIT)};
    });
    if (inventory.qos.empty()) inventory.qos_lifts = {.nodes = true, .min_nodes = true, .time = true};
    auto differs = [&](const auto& each) { return each.second != inventory.qos.begin()->second; };
    if (std::none_of(inventory.qos.begin(), inventory.qos.end(), differs)) return {};
    return add_default_qos(builder, names);
}

/// The text of `scontrol show topology`: the one form that all versions share (24.11 no longer fills
/// topo_array for a peer of its own version).
Result<std::string> topology_text() {
    topo_info_response_msg_t* raw = nullptr;
#if RAILHEAD_TOPO_HAS_NAME
    auto code = slurm_load_topo(&raw, nullptr);
#else
    auto code = slurm_load_topo(&raw);
#endif
    if (code != SLURM_SUCCESS) return failed("topology");
    if (!raw) return std::string();
    Message<topo_info_response_msg_t> message(raw, slurm_free_topo_info_msg);
    char* text = nullptr;
    std::size_t size = 0;
    FILE* stream = open_memstream(&text, &size);
    if (!stream) return failed("topology");
#if RAILHEAD_TOPO_HAS_NAME
    slurm_print_topo_info_msg(stream, message.get(), nullptr, nullptr, 1);
#elif RAILHEAD_PRINT_TOPO_HAS_NODES
    slurm_print_topo_info_msg(stream, message.get(), nullptr, 1);
#else
    slurm_print_topo_info_msg(stream, message.get(), 1);
#endif
    std::fclose(stream);
    std::unique_ptr<char, void (*)(void*)> owner(text, std::free);
    return std::string(text, size);
}

} // namespace

Result<Inventory> load_inventory() {
    InventoryBuilder builder;
    builder.inventory().taken_at = std::time(nullptr);
    auto configuration = add_configuration(builder);
    if (!configuration) return tl::unexpected(configuration.error());
    if (auto added = add_nodes(builder, configuration->most_nodes); !added)
        return tl::unexpected(added.error());
    if (auto added = add_partitions(builder); !added) return tl::unexpected(added.error());
    if (auto added = add_reservations(builder); !added) return tl::unexpected(added.error());
    if (configuration->accounting)
        if (auto added = add_qos(builder); !added) return tl::unexpected(added.error());
    if (configuration->topology == "topology/tree" || configuration->topology == "topology/block") {
        auto text = topology_text();
        if (!text) return tl::unexpected(text.error());
        builder.add_topology(*text);
    }
    return builder.take();
}

} // namespace railhead::abi
