// slurmstepd, in the process that becomes a task, as its user.
#include "base/number.hpp"
#include "slurm/fields.hpp"
#include "spank/contexts.hpp"
#include "spank/prepared.hpp"

#include <fmt/core.h>

#include <sched.h>
#include <unistd.h>

#include <algorithm>

namespace railhead::spank {
namespace {

/// -1: Slurm does not tell.
int place_on_node(spank_t handle) {
    int task = 0;
    return spank_get_item(handle, S_TASK_ID, &task) == ESPANK_SUCCESS ? task : -1;
}

/// What the user has set stays.
void set(spank_t handle, const std::vector<RailVariable>& variables) {
    for (const auto& each : variables)
        (void)spank_setenv(handle, each.name.c_str(), each.value.c_str(), 0); // there already: kept
}

/// On the CPUs that Slurm has given it, those near to its GPUs.
void bind_near(spank_t handle, const Rails& rails, const std::vector<int>& gpus, std::uint32_t wanted) {
    if (variable(handle, "SLURM_CPU_BIND").find("none") != std::string::npos) return;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
    const auto near = cpus_near(rails, gpus, cpus, wanted);
    if (near.empty()) return;
    CPU_ZERO(&allowed);
    for (int cpu : near) CPU_SET(cpu, &allowed);
    (void)sched_setaffinity(0, sizeof allowed, &allowed); // where it cannot be, it stays as Slurm had it
}

void wire(spank_t handle, const Prepared& node) {
    set(handle, node.rails->variables);
    auto gpus = gpus_of_task({.devices = devices_allowed("", node.rails->rails),
                              .of_step = node.gpus_of_step,
                              .step_sees = node.step_sees,
                              .task_sees = variable(handle, "CUDA_VISIBLE_DEVICES")});
    if (gpus.empty()) return;
    std::uint32_t tasks = 0;
    const bool sees_all = gpus.size() == names_in(node.step_sees).size(); // no --gpus-per-task and the like
    if (sees_all && spank_get_item(handle, S_JOB_LOCAL_TASK_COUNT, &tasks) == ESPANK_SUCCESS)
        gpus = share_of(gpus, static_cast<std::size_t>(place_on_node(handle)), tasks);
    const auto cpus = whole_number<std::uint32_t>(variable(handle, "SLURM_CPUS_PER_TASK"));
    set(handle, variables_of_task(node.rails->rails, gpus, cpus));
    bind_near(handle, node.rails->rails, gpus, cpus.value_or(1));
}

/// To where the task's own words go.
void say(const std::vector<Finding>& findings) {
    for (const auto& finding : findings) {
        const auto* level = finding.level == Level::fail   ? "error"
                            : finding.level == Level::warn ? "warning"
                                                           : "unknown";
        const auto line = fmt::format("railhead: {}: {} [{}]\n", level, sentence(finding), finding.id);
        (void)!::write(STDERR_FILENO, line.data(), line.size());
    }
}

} // namespace

int prepare_task(spank_t handle) {
    const auto& node = prepared();
    const bool is_first = place_on_node(handle) == 0;
    if (is_first) say(node.findings);
    const bool is_bad = std::any_of(node.findings.begin(), node.findings.end(),
                                    [](const Finding& each) { return each.level == Level::fail; });
    if (node.enforces && is_bad) {
        if (is_first)
            say({{.id = "rail-check",
                  .level = Level::fail,
                  .thing = "the step",
                  .seen = "does not start on this node (--rail-check=enforce)",
                  .next = "leave the node out (--exclude), or give --rail-check=warn"}});
        // Slurm drops what an optional plugin returns; this ends the task, and nothing but it.
        ::_exit(exit_code(ErrorKind::check_refused));
    }
    if (node.rails) wire(handle, node);
    return 0;
}

} // namespace railhead::spank
