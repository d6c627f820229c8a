#include "slurm/abi/request.hpp"

#include "base/number.hpp"
#include "slurm/abi/memory.hpp"
#include "slurm/fields.hpp"
#include "slurm/gres.hpp"
#include "slurm/spelling.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace railhead::abi {
namespace {

/// What spank_railhead.so's option becomes on its way through spank_job_env: _opt_env_name() in Slurm's
/// plugstack.c / spank.c turns every character that is not alphanumeric into an underscore.
constexpr std::string_view placement_variable = "_SLURM_SPANK_OPTION_railhead_rail_placement=";
constexpr std::string_view on_loss_variable = "_SLURM_SPANK_OPTION_railhead_rail_on_loss=";

/// Unset integers are NO_VAL of their width; a node or task count of 0 says nothing either.
std::optional<std::uint32_t> number_of(std::uint32_t field) {
    if (field == NO_VAL || field == INFINITE) return std::nullopt;
    return field;
}
std::optional<std::uint32_t> number_of16(std::uint16_t field) {
    if (field == NO_VAL16 || field == INFINITE16 || field == 0) return std::nullopt;
    return field;
}
std::optional<std::uint32_t> count_of(std::uint32_t field) {
    auto number = number_of(field);
    return number == 0u ? std::nullopt : number;
}

/// UNLIMITED is a wish, too.
std::optional<std::uint32_t> time_of(std::uint32_t minutes) {
    if (minutes == NO_VAL || minutes == 0) return std::nullopt;
    return minutes; // INFINITE is UINT32_MAX
}

/// The number in "gres:gpu:4" (22.05), "gres/gpu:4" or "gres/gpu:h100:4": what is asked per GPU. Absent where
/// types differ.
std::optional<std::uint64_t> per_gpu(const char* text) {
    auto items = parse_tres(text ? text : "", Per::job);
    if (!items || items->size() != 1 || items->front().gres != "gpu") return std::nullopt;
    return items->front().count;
}

/// Of "cpu=2,gres/gpu=1" or "cpu:2": what sbatch fills in beside GPUs per task since 23.11.
std::optional<std::uint32_t> cpus_of_task(const char* tres) {
    for (const auto& each : names_in(text_of(tres)))
        if (each.starts_with("cpu=") || each.starts_with("cpu:")) {
            auto cpus = leading_number<std::uint32_t>(std::string_view(each).substr(4));
            return cpus == 0u ? std::nullopt : cpus; // 0 is divided by otherwise
        }
    return std::nullopt;
}

/// By --tres-per-task, with what else it said.
void as_typed(GresItem& item, std::string_view tres_per_task) {
    item.option = NodeOption::tres_per_task;
    for (const auto& each : names_in(tres_per_task))
        if (!each.starts_with("gres")) item.beside += each + ",";
}

Result<GpuRequest> gpus_of(const job_desc_msg_t& job) {
    const std::pair<const char*, Per> fields[] = {{job.tres_per_job, Per::job},
                                                  {job.tres_per_node, Per::node},
                                                  {job.tres_per_socket, Per::socket},
                                                  {job.tres_per_task, Per::task}};
    std::string_view command_line = job.submit_line ? job.submit_line : "";
    auto header = script_header(job.script ? job.script : "");
    GpuRequest request;
    for (auto [text, per] : fields) {
        auto items = parse_tres(text ? text : "", per);
        if (!items) return tl::unexpected(items.error());
        for (auto& item : *items) {
            if (per == Per::node) item.option = option_of(command_line, header, item.spelling);
            if (auto typed = per == Per::task ? tres_per_task_in(command_line, header) : std::nullopt)
                as_typed(item, *typed);
            request.items.push_back(std::move(item));
        }
    }
    return request;
}

[[gnu::hot]] std::optional<std::string_view> option_of_spank(const job_desc_msg_t& job,
                                                             std::string_view variable) {
    for (std::uint32_t i = 0; job.spank_job_env && i < job.spank_job_env_size; ++i) {
        std::string_view entry = job.spank_job_env[i] ? job.spank_job_env[i] : "";
        if (entry.starts_with(variable)) return entry.substr(variable.size());
    }
    return std::nullopt;
}

std::optional<std::string_view> placement_of(const job_desc_msg_t& job) {
    return option_of_spank(job, placement_variable);
}

/// 64-bit multiplicative mixing; the constant is 2^64 divided by the golden ratio.
[[gnu::hot]] std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15;
    return hash ^ hash >> 32;
}

/// `place`: which of the texts it is; one that is empty is not mixed at all. Byte by byte, and neither
/// strlen nor std::hash: what takes time is to fetch code that slurmctld rarely has in its caches.
[[gnu::hot, gnu::noinline]] std::uint64_t mixed_text(std::uint64_t hash, const char* text,
                                                     std::uint64_t place) {
    if (!text || *text == '\0') return hash;
    hash = mixed(hash, place << 8);
    for (; *text != '\0'; ++text) hash = mixed(hash, static_cast<unsigned char>(*text));
    return hash;
}

std::uint64_t both(std::uint32_t high, std::uint32_t low) {
    return std::uint64_t{high} << 32 | low;
}

std::uint64_t four(std::uint16_t first, std::uint16_t second, std::uint16_t third, std::uint16_t last) {
    return both(std::uint32_t{first} << 16 | second, std::uint32_t{third} << 16 | last);
}

bool names_cpus_of_a_node(const job_desc_msg_t& job) {
    for (std::uint16_t number :
         {job.ntasks_per_socket, job.ntasks_per_core, job.ntasks_per_board, job.core_spec,
          job.sockets_per_node, job.cores_per_socket, job.threads_per_core})
        if (number_of16(number)) return true;
    return false;
}

std::string_view view_of(const char* text) {
    return text ? std::string_view(text) : std::string_view();
}

/// Beside --gpus and --ntasks-per-gpu, sbatch makes other tasks of --ntasks (24.11, 26.05), and CPUs for
/// those that were typed.
std::optional<std::uint32_t> typed_tasks(const JobRequest& request, std::optional<std::uint32_t> cpus) {
    if (!request.tasks || !cpus) return request.tasks;
    return std::max(*request.tasks, *cpus / request.cpus_per_task.value_or(1));
}

#if RAILHEAD_TASKS_BOUND_NODES
/// Where nobody says how many nodes, 26.05 takes as few as hold the tasks with so many on each; without
/// --ntasks that is one (scontrol show job: NumNodes=1-1; 24.11 takes more for --gpus).
std::optional<std::uint32_t> nodes_of_tasks(const JobRequest& request) {
    if (request.modify || request.nodes_min.value_or(1) > 1 || !request.tasks_per_node) return std::nullopt;
    auto each = *request.tasks_per_node, tasks = request.tasks.value_or(each);
    return (tasks - 1) / each + 1;
}
#endif

} // namespace

Result<JobRequest> request_from(const job_desc_msg_t& job, bool modify) {
    JobRequest request;
    auto gpus = gpus_of(job);
    if (!gpus) return tl::unexpected(gpus.error());
    request.gpus = std::move(*gpus);
    request.nodes_min = count_of(job.min_nodes);
    request.nodes_max = count_of(job.max_nodes);
    request.tasks = count_of(job.num_tasks);
    request.tasks_per_node = number_of16(job.ntasks_per_node);
    request.cpus_per_task = number_of16(job.cpus_per_task);
    if (!request.cpus_per_task) request.cpus_per_task = cpus_of_task(job.tres_per_task);
    if (job.tres_per_task) {
        auto typed = tres_per_task_in(view_of(job.submit_line), script_header(view_of(job.script)));
        request.cpus_by_tres = typed && typed->find("cpu") != typed->npos;
    }
    request.tasks_per_gpu = number_of16(job.ntasks_per_tres);
    if (request.tasks_per_gpu) request.tasks = typed_tasks(request, count_of(job.min_cpus));
    if (job.pn_min_memory != NO_VAL64 && job.pn_min_memory & MEM_PER_CPU)
        request.memory_per_cpu_mib = job.pn_min_memory & ~MEM_PER_CPU;
    else if (job.pn_min_memory != NO_VAL64)
        request.memory_per_node_mib = job.pn_min_memory;
    request.cpus_per_gpu = per_gpu(job.cpus_per_tres);
    request.memory_per_gpu_mib = per_gpu(job.mem_per_tres);
    request.time_minutes = time_of(job.time_limit);
    request.time_min_minutes = time_of(job.time_min);
    request.gpu_bind = text_of(job.tres_bind);
    request.switches = count_of(job.req_switch);
#if RAILHEAD_HAS_SEGMENT
    request.segment = number_of16(job.segment_size);
#endif
    request.partitions = names_in(text_of(job.partition));
    request.account = text_of(job.account);
    request.qos = text_of(job.qos);
    request.reservation = text_of(job.reservation);
    request.features = text_of(job.features);
    request.nodelist = text_of(job.req_nodes);
    request.exclude = text_of(job.exc_nodes);
    request.array = text_of(job.array_inx);
    request.exclusive = job.shared == 0;
    request.overcommit = job.overcommit != 0 && job.overcommit != NO_VAL8;
    request.some_cpus = names_cpus_of_a_node(job);
    request.threads_per_core = number_of16(job.threads_per_core);
    request.tasks_per_core = number_of16(job.ntasks_per_core);
    request.tasks_per_socket = number_of16(job.ntasks_per_socket);
    request.core_spec = number_of16(job.core_spec).has_value();
    request.het_offset = number_of(job.het_job_offset);
    request.placement = placement_of(job);
    request.uid = job.user_id;
    request.modify = modify;
#if RAILHEAD_TASKS_BOUND_NODES
    if (!request.nodes_max) {
        request.nodes_max = nodes_of_tasks(request);
        request.nodes_follow_tasks = request.nodes_max.has_value();
    }
#endif
    return request;
}

// Short, and all that it calls is on one page with it: its time is that of fetching it from memory.
[[gnu::hot]] std::uint64_t shape_of(const job_desc_msg_t& job, std::uint32_t uid, std::uint64_t seed) {
    auto hash = seed;
    std::uint64_t place = 0;
    for (const char* text :
         {job.tres_per_job, job.tres_per_node, job.tres_per_socket, job.tres_per_task, job.cpus_per_tres,
          job.mem_per_tres, job.tres_bind, job.partition, job.account, job.qos, job.reservation, job.features,
          job.req_nodes, job.exc_nodes, job.array_inx})
        hash = mixed_text(hash, text, ++place);
    if (job.spank_job_env_size > 0)
        hash = mixed_text(hash, placement_of(job).value_or("").data(), ++place); // ends where its text does
    std::uint16_t segment = 0;
#if RAILHEAD_HAS_SEGMENT
    segment = job.segment_size;
#endif
    for (std::uint64_t numbers :
         {both(job.min_nodes, job.max_nodes), both(job.num_tasks, job.req_switch),
          both(job.time_limit, job.time_min), both(job.user_id, uid), job.pn_min_memory,
          both(job.het_job_offset, std::uint32_t{segment} << 16 | job.overcommit),
          four(job.ntasks_per_node, job.cpus_per_task, job.ntasks_per_tres, job.shared),
          four(job.ntasks_per_socket, job.ntasks_per_core, job.ntasks_per_board, job.core_spec),
          four(job.sockets_per_node, job.cores_per_socket, job.threads_per_core, 0), both(job.min_cpus, 0)})
        hash = mixed(hash, numbers);
    return hash;
}

bool is_known_by_shape(const job_desc_msg_t& job) {
    const bool is_component = job.het_job_offset != NO_VAL && job.het_job_offset != INFINITE;
    const bool several_per_node = view_of(job.tres_per_node).find(',') != std::string_view::npos;
    return !is_component && !several_per_node && view_of(job.reservation).empty();
}

bool outlives_nodes(const job_desc_msg_t& job) {
    const auto on_loss = option_of_spank(job, on_loss_variable).value_or("");
    return on_loss.starts_with("shrink:") || on_loss.starts_with("spare:");
}

std::uint64_t spelled_shape_of(const job_desc_msg_t& job, std::uint64_t shape) {
    auto asked = view_of(job.tres_per_node);
    if (shape == 0 || (asked.empty() && view_of(job.tres_per_task).empty())) return shape;
    auto line = view_of(job.submit_line), header = script_header(view_of(job.script));
    shape = mixed(shape, static_cast<std::uint64_t>(option_of(line, header, asked)));
    if (!view_of(job.tres_per_task).empty())
        shape = mixed_text(shape, std::string(tres_per_task_in(line, header).value_or("")).c_str(), 1);
    return shape == 0 ? 1 : shape;
}

} // namespace railhead::abi
