#include "slurm/allocation.hpp"

#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace railhead {
namespace {

/// Slurm's own limit is far lower (MAX_HET_JOB_COMPS 128).
constexpr std::int64_t max_components = 4096;

/// An optional variable that must be a number from 0 to `largest` when it is there.
Result<std::optional<std::int64_t>> number_in(const Environment& environment, const std::string& name,
                                              std::int64_t largest) {
    auto text = environment.get(name);
    if (!text) return std::optional<std::int64_t>{};
    std::int64_t value = 0;
    auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (problem != std::errc{} || end != text->data() + text->size() || value < 0 || value > largest)
        return fail(ErrorKind::usage, {.id = "slurm-environment",
                                       .thing = name,
                                       .seen = fmt::format("is \"{}\"", *text),
                                       .expected = fmt::format("a number from 0 to {}", largest)});
    return std::optional{value};
}

tl::unexpected<Error> missing(const std::string& name, std::string next) {
    return fail(ErrorKind::usage,
                {.id = "slurm-environment", .thing = name, .seen = "is not set", .next = std::move(next)});
}

/// Reads the component whose variables end in `suffix` ("" for an ordinary job).
Result<Component> component_from(const Environment& environment, const std::string& suffix) {
    Component component;
    auto nodes_name = "SLURM_JOB_NODELIST" + suffix;
    auto nodes_text = environment.get(nodes_name);
    if (!nodes_text || nodes_text->empty())
        return missing(nodes_name, suffix.empty()
                                       ? "run this inside a job: sbatch, salloc or srun set it"
                                       : "start a heterogeneous job with sbatch or salloc, which set it");
    auto nodes = expand_hostlist(*nodes_text);
    if (!nodes) return tl::unexpected(std::move(nodes.error()).within(nodes_name));
    component.nodes = std::move(*nodes);

    auto cpus_name = "SLURM_JOB_CPUS_PER_NODE" + suffix;
    auto cpus_text = environment.get(cpus_name);
    if (!cpus_text) return component; // unknown; the agents tell what each node gives
    auto cpus = expand_counts(*cpus_text);
    if (!cpus) return tl::unexpected(std::move(cpus.error()).within(cpus_name));
    if (cpus->size() != component.nodes.size())
        return fail(ErrorKind::usage, {.id = "slurm-environment",
                                       .thing = cpus_name,
                                       .seen = fmt::format("is \"{}\", which is {} nodes, while {} is \"{}\"",
                                                           *cpus_text, cpus->size(), nodes_name, *nodes_text),
                                       .next = "after a resize, source the script that scontrol wrote"});
    component.cpus = std::move(*cpus);
    return component;
}

Result<std::vector<Component>> components_from(const Environment& environment) {
    auto size = number_in(environment, "SLURM_HET_SIZE", max_components);
    if (!size) return tl::unexpected(size.error());
    std::vector<Component> components;
    if (!*size) {
        auto component = component_from(environment, "");
        if (!component) return tl::unexpected(component.error());
        components.push_back(std::move(*component));
    }
    for (int group = 0; group < size->value_or(0); ++group) {
        // `srun A : B` without sbatch or salloc still sets the older names only (seen on 24.11).
        auto suffix = fmt::format("_HET_GROUP_{}", group), older = fmt::format("_PACK_GROUP_{}", group);
        bool has_older_only = !environment.get("SLURM_JOB_NODELIST" + suffix) &&
                              environment.get("SLURM_JOB_NODELIST" + older).has_value();
        auto component = component_from(environment, has_older_only ? older : suffix);
        if (!component) return tl::unexpected(component.error());
        component->het_group = group;
        components.push_back(std::move(*component));
    }
    return components;
}

/// A batch script has SLURM_PROCID=0 too: only a step of srun's own numbering counts. (A script submitted
/// from inside a step inherits that step's SLURM_STEP_ID; it then passes for task 0 of it, which acts the
/// same.)
Result<void> read_step(const Environment& environment, Allocation& allocation) {
    // 26.05 gives batch scripts their step as a signed number, -5 (slurm.h: SLURM_BATCH_SCRIPT).
    if (environment.get("SLURM_STEP_ID").value_or("").starts_with('-')) return {};
    auto step = number_in(environment, "SLURM_STEP_ID", 0xffffffff);
    if (!step) return tl::unexpected(step.error());
    if (!*step || **step >= max_step_of_srun) return {};
    auto task = number_in(environment, "SLURM_PROCID", 0x7fffffff);
    if (!task) return tl::unexpected(task.error());
    if (!*task) return {};
    allocation.step_id = std::to_string(**step);
    allocation.step_task = static_cast<int>(**task);
    return {};
}

} // namespace

std::vector<std::pair<std::size_t, std::string>> Allocation::in_order() const {
    struct Place {
        int group;
        std::size_t place, component;
        std::string node;
    };
    std::vector<Place> all;
    for (std::size_t c = 0; c < components.size(); ++c)
        for (std::size_t i = 0; i < components[c].nodes.size(); ++i) {
            const auto& part = components[c];
            all.push_back(
                {part.het_group.value_or(0), part.places.empty() ? i : part.places[i], c, part.nodes[i]});
        }
    std::ranges::stable_sort(all, {}, [](const Place& each) { return std::pair(each.group, each.place); });
    std::vector<std::pair<std::size_t, std::string>> order;
    for (auto& each : all) order.emplace_back(each.component, std::move(each.node));
    return order;
}

std::vector<std::string> Allocation::nodes() const {
    std::vector<std::string> all;
    for (auto& [component, node] : in_order()) all.push_back(std::move(node));
    return all;
}

Result<Allocation> allocation_from(const Environment& environment) {
    Allocation allocation;
    auto job = number_in(environment, "SLURM_JOB_ID", 0xffffffff);
    if (!job) return tl::unexpected(job.error());
    if (!*job) return missing("SLURM_JOB_ID", "run this inside a job: sbatch, salloc or srun start one");
    allocation.job_id = std::to_string(**job);

    auto array_job = environment.get("SLURM_ARRAY_JOB_ID");
    auto array_task = environment.get("SLURM_ARRAY_TASK_ID");
    if (array_job && array_task) allocation.array = *array_job + "_" + *array_task;

    auto restarts = number_in(environment, "SLURM_RESTART_COUNT", 0x7fffffff);
    if (!restarts) return tl::unexpected(restarts.error());
    allocation.submit_host = environment.get("SLURM_SUBMIT_HOST").value_or("");
    allocation.container = environment.get("SLURM_CONTAINER").value_or("");
    allocation.restart_count = static_cast<int>(restarts->value_or(0));
    auto end = number_in(environment, "SLURM_JOB_END_TIME", INT64_MAX);
    if (!end) return tl::unexpected(end.error());
    allocation.end_time = *end;

    auto components = components_from(environment);
    if (!components) return tl::unexpected(components.error());
    allocation.components = std::move(*components);
    if (auto step = read_step(environment, allocation); !step) return tl::unexpected(step.error());
    return allocation;
}

} // namespace railhead
