#include "lint/request.hpp"

#include "base/number.hpp"
#include "lint/checks.hpp"
#include "slurm/fields.hpp"
#include "slurm/gres.hpp"
#include "slurm/time_text.hpp"

#include <algorithm>
#include <cctype>

namespace railhead {
namespace {

std::optional<std::uint32_t> number_in(std::string_view text) {
    auto value = whole_number<std::uint32_t>(text);
    return value && *value > 0 ? value : std::nullopt;
}

/// "4", "1k", "1m"
std::optional<std::uint32_t> node_count(std::string_view text) {
    std::uint32_t times = 1;
    if (text.ends_with('k') || text.ends_with('K')) times = 1024;
    if (text.ends_with('m') || text.ends_with('M')) times = 1024 * 1024;
    if (times > 1) text.remove_suffix(1);
    auto value = number_in(text);
    return value && *value <= UINT32_MAX / times ? std::optional(*value * times) : std::nullopt;
}

class Request {
  public:
    explicit Request(const Script& script) : script_(script) {}

    JobRequest read() {
        gpus();
        per_task();
        nodes();
        sizes();
        times();
        memory();
        names();
        // sbatch(1): beside --nodes=N it makes N times as many tasks.
        if (job_.tasks_per_node && !job_.tasks && job_.nodes_min && job_.nodes_min == job_.nodes_max)
            job_.tasks = *job_.tasks_per_node * *job_.nodes_min;
        return std::move(job_);
    }

  private:
    std::string_view value_of(const char* name) const {
        const auto* option = script_.option(name);
        return option ? std::string_view(option->value) : std::string_view();
    }

    void gpus() {
        struct Source {
            const char* option;
            Per per;
            NodeOption typed;
        };
        for (auto [name, per, typed] : {Source{"--gpus", Per::job, NodeOption::untold},
                                        Source{"--gpus-per-node", Per::node, NodeOption::gpus_per_node},
                                        Source{"--gres", Per::node, NodeOption::gres},
                                        Source{"--gpus-per-task", Per::task, NodeOption::untold},
                                        Source{"--gpus-per-socket", Per::socket, NodeOption::untold}}) {
            const auto* option = script_.option(name);
            if (!option || option->value == "none") continue;
            std::string_view rest = option->value;
            while (!rest.empty()) {
                auto item = rest.substr(0, rest.find(','));
                rest.remove_prefix(std::min(item.size() + 1, rest.size()));
                bool whole =
                    item.starts_with("gres/") || item.starts_with("gres:"); // 24.11 and 22.05 take it
                auto prefix = typed != NodeOption::gres ? "gres/gpu:" : whole ? "" : "gres/";
                auto items = parse_tres(prefix + std::string(item), per);
                if (!items) continue;
                for (auto& each : *items) {
                    each.option = typed;
                    job_.gpus.items.push_back(std::move(each));
                }
            }
        }
    }

    /// --tres-per-task=cpu=4,gres/gpu:h100:2
    void per_task() {
        auto value = value_of("--tres-per-task");
        if (auto items = parse_tres(value, Per::task); items && !value.empty())
            job_.gpus.items.insert(job_.gpus.items.end(), items->begin(), items->end());
        for (const auto& item : names_in(value))
            if (item.starts_with("cpu=") || item.starts_with("cpu:"))
                job_.cpus_per_task = number_in(std::string_view(item).substr(4));
    }

    /// "2", "2-4", "2,4,8", "1k"
    void nodes() {
        for (auto rest = value_of("--nodes"); !rest.empty();) {
            auto part = rest.substr(0, rest.find_first_of(",-"));
            rest.remove_prefix(std::min(part.size() + 1, rest.size()));
            auto count = node_count(part);
            if (!count) {
                job_.nodes_min = job_.nodes_max = std::nullopt;
                return;
            }
            job_.nodes_min = std::min(job_.nodes_min.value_or(*count), *count);
            job_.nodes_max = std::max(job_.nodes_max.value_or(*count), *count);
        }
    }

    void sizes() {
        std::optional<std::uint32_t> cpus_per_gpu;
        for (auto [name, into] : {std::pair{"--ntasks", &job_.tasks},
                                  {"--ntasks-per-node", &job_.tasks_per_node},
                                  {"--ntasks-per-gpu", &job_.tasks_per_gpu},
                                  {"--ntasks-per-core", &job_.tasks_per_core},
                                  {"--ntasks-per-socket", &job_.tasks_per_socket},
                                  {"--threads-per-core", &job_.threads_per_core},
                                  {"--cpus-per-task", &job_.cpus_per_task},
                                  {"--cpus-per-gpu", &cpus_per_gpu}})
            if (script_.option(name)) *into = number_in(value_of(name));
        if (cpus_per_gpu) job_.cpus_per_gpu = *cpus_per_gpu;
    }

    void times() {
        for (auto [name, into] :
             {std::pair{"--time", &job_.time_minutes}, {"--time-min", &job_.time_min_minutes}}) {
            std::string value(value_of(name));
            std::transform(value.begin(), value.end(), value.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
            *into = minutes_from(value);
            if (*into == 0U) *into = UINT32_MAX; // no limit: sbatch(1)
        }
    }

    void memory() {
        for (auto [name, into] : {std::pair{"--mem", &job_.memory_per_node_mib},
                                  {"--mem-per-cpu", &job_.memory_per_cpu_mib},
                                  {"--mem-per-gpu", &job_.memory_per_gpu_mib}}) {
            auto value = value_of(name);
            if (value.ends_with('B') || value.ends_with('b')) value.remove_suffix(1); // "4GB"
            *into = mebibytes_from(value);
        }
    }

    void names() {
        for (auto [name, into] : {std::pair{"--account", &job_.account},
                                  {"--qos", &job_.qos},
                                  {"--reservation", &job_.reservation},
                                  {"--constraint", &job_.features},
                                  {"--nodelist", &job_.nodelist},
                                  {"--exclude", &job_.exclude},
                                  {"--array", &job_.array},
                                  {"--gpu-bind", &job_.gpu_bind}})
            if (const auto* option = script_.option(name)) *into = option->value;
        if (const auto* partition = script_.option("--partition"))
            job_.partitions = names_in(partition->value);
        const auto* placement = script_.option("--rail-placement");
        if (placement) job_.placement = placement->value;
        const auto* exclusive = script_.option("--exclusive"); // =user and =mcs share nodes with their like
        job_.exclusive = exclusive && exclusive->value.empty();
        for (const char* name : {"--ntasks-per-socket", "--ntasks-per-core", "--core-spec", "--thread-spec",
                                 "--sockets-per-node", "--cores-per-socket", "--threads-per-core",
                                 "--extra-node-info", "--hint"})
            job_.some_cpus |= script_.option(name) != nullptr;
        job_.core_spec = script_.option("--core-spec") || script_.option("--thread-spec");
        if (value_of("--hint") == "nomultithread") job_.threads_per_core = 1;
        job_.overcommit = script_.option("--overcommit") != nullptr;
    }

    const Script& script_;
    JobRequest job_;
};

} // namespace

JobRequest request_of(const Script& script) {
    return Request(script).read();
}

std::vector<JobRequest> requests_of(const Script& script) {
    auto count = static_cast<std::uint32_t>(script.components.size());
    std::vector<JobRequest> requests;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto request = request_of(component_of(script, static_cast<int>(i)));
        if (count > 1) request.het_offset = i;
        for (auto earlier : requests) {
            earlier.earlier.clear();
            request.earlier.push_back(std::move(earlier));
        }
        requests.push_back(std::move(request));
    }
    return requests;
}

} // namespace railhead
