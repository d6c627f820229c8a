#include "lint/request.hpp"

#include "base/number.hpp"
#include "lint/checks.hpp"
#include "slurm/fields.hpp"
#include "slurm/gres.hpp"
#include "slurm/time_text.hpp"

#include <algorithm>

namespace railhead {
namespace {

std::optional<std::uint32_t> number_in(std::string_view text) {
    auto value = whole_number<std::uint32_t>(text);
    return value && *value > 0 ? value : std::nullopt;
}

class Request {
  public:
    explicit Request(const Script& script) : script_(script) {}

    Result<JobRequest> read() {
        for (auto read : {&Request::gpus, &Request::sizes, &Request::memory, &Request::names})
            if (auto done = (this->*read)(); !done) return tl::unexpected(done.error());
        // sbatch(1): beside --nodes=N it makes N times as many tasks.
        if (job_.tasks_per_node && !job_.tasks && job_.nodes_min && job_.nodes_min == job_.nodes_max)
            job_.tasks = *job_.tasks_per_node * *job_.nodes_min;
        return std::move(job_);
    }

  private:
    tl::unexpected<Error> unread(const ScriptOption& option, const char* expected) const {
        return fail(ErrorKind::usage, {.id = "option",
                                       .where = place(script_, option.line),
                                       .thing = option.name,
                                       .seen = "is \"" + option.value.substr(0, 60) + "\"",
                                       .expected = expected});
    }

    Result<void> gpus() {
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
                auto prefix = typed == NodeOption::gres ? "gres/" : "gres/gpu:";
                auto items = parse_tres(prefix + std::string(item), per);
                if (!items) return unread(*option, "[TYPE:]COUNT");
                for (auto& each : *items) {
                    each.option = typed;
                    job_.gpus.items.push_back(std::move(each));
                }
            }
        }
        return {};
    }

    Result<void> number(const char* name, std::optional<std::uint32_t>& into) {
        const auto* option = script_.option(name);
        if (!option) return {};
        into = number_in(option->value);
        return into ? Result<void>() : unread(*option, "a number");
    }

    Result<void> sizes() {
        if (const auto* nodes = script_.option("--nodes")) {
            auto dash = nodes->value.find('-');
            job_.nodes_min = number_in(nodes->value.substr(0, dash));
            job_.nodes_max =
                dash == std::string::npos ? job_.nodes_min : number_in(nodes->value.substr(dash + 1));
            if (!job_.nodes_min || !job_.nodes_max) return unread(*nodes, "N or MIN-MAX");
        }
        std::optional<std::uint32_t> cpus_per_gpu;
        for (auto [name, into] : {std::pair{"--ntasks", &job_.tasks},
                                  {"--ntasks-per-node", &job_.tasks_per_node},
                                  {"--ntasks-per-gpu", &job_.tasks_per_gpu},
                                  {"--cpus-per-task", &job_.cpus_per_task},
                                  {"--cpus-per-gpu", &cpus_per_gpu}})
            if (auto done = number(name, *into); !done) return done;
        if (cpus_per_gpu) job_.cpus_per_gpu = *cpus_per_gpu;
        if (const auto* time = script_.option("--time")) {
            job_.time_minutes = minutes_from(time->value);
            if (!job_.time_minutes) return unread(*time, "a time such as 30, 1:30:00 or 1-12");
            if (*job_.time_minutes == 0) job_.time_minutes.reset(); // none: sbatch(1)
        }
        return {};
    }

    Result<void> memory() {
        for (auto [name, into] : {std::pair{"--mem", &job_.memory_per_node_mib},
                                  {"--mem-per-cpu", &job_.memory_per_cpu_mib},
                                  {"--mem-per-gpu", &job_.memory_per_gpu_mib}}) {
            const auto* option = script_.option(name);
            if (!option) continue;
            *into = mebibytes_from(option->value);
            if (!*into) return unread(*option, "a size such as 4096 or 4G");
        }
        return {};
    }

    Result<void> names() {
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
        job_.exclusive = script_.option("--exclusive") != nullptr;
        job_.overcommit = script_.option("--overcommit") != nullptr;
        return {};
    }

    const Script& script_;
    JobRequest job_;
};

} // namespace

Result<JobRequest> request_of(const Script& script) {
    return Request(script).read();
}

} // namespace railhead
