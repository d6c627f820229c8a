#include "base/number.hpp"
#include "lint/checks.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace railhead {
namespace {

void check_reading(const Script& script, std::vector<Finding>& findings) {
    if (!script.has_interpreter)
        findings.push_back({.id = "no-interpreter",
                            .where = place(script, 1),
                            .thing = "the first line",
                            .seen = "does not begin with #!, and sbatch refuses the script",
                            .next = "begin it with #!/bin/bash"});
    if (script.has_dos_lines)
        findings.push_back({.id = "dos-lines",
                            .where = script.name,
                            .thing = "the lines",
                            .seen = "end as on Windows, and sbatch refuses the script",
                            .next = fmt::format("run: sed -i 's/\\r$//' {}", script.name)});
    for (int line : script.late)
        findings.push_back({.id = "late-option",
                            .where = place(script, line),
                            .thing = "this #SBATCH line",
                            .seen = "stands after the first command, and sbatch does not read it",
                            .next = "move it above"});
    for (int line : script.mistyped)
        findings.push_back({.id = "mistyped-option",
                            .level = Level::warn,
                            .where = place(script, line),
                            .thing = "this line",
                            .seen = "looks like an option, and is a comment to sbatch",
                            .next = "write \"#SBATCH\", a space, and the option"});
}

/// From 22.05 to 23.x srun takes --cpus-per-task from its own option or SRUN_CPUS_PER_TASK only: srun(1).
void check_cpus(const Script& script, int slurm, std::vector<Finding>& findings) {
    auto cpus = number_of(script, "--cpus-per-task", 1);
    if (slurm < 2205 || slurm >= 2400 || cpus <= 1 || times_set(script, "SRUN_CPUS_PER_TASK") > 0) return;
    for (const auto& line : script.lines) {
        auto step = step_of(line);
        if (!step || step->option("--cpus-per-task") || mentions(line.text, "railhead") ||
            may_hold(script, *step, {"--cpus-per-task", "-c"}) || mentions(text_of(*step), "railhead"))
            continue;
        findings.push_back(
            {.id = "cpus-per-task",
             .level = Level::warn,
             .where = place(script, line.number),
             .thing = "srun",
             .seen = fmt::format("of Slurm {}.{:02} does not take --cpus-per-task={} over from the job: each "
                                 "task gets one CPU",
                                 slurm / 100, slurm % 100, cpus),
             .next = "write \"export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK\" before it"});
        return; // one export mends all
    }
}

/// One task has no others that wait for it; a farm's steps, each in the background on a share of the job, do
/// not wait for one another.
bool has_no_others(const StepLine& step) {
    const auto* tasks = step.option("--ntasks");
    return (tasks && tasks->value == "1") ||
           (step.in_background && (step.option("--exact") || step.option("--exclusive")));
}

/// Whether the step has more than one task, by its own options or the job's.
bool has_several(const Script& script, const StepLine& step) {
    return std::ranges::any_of(std::array{"--nodes", "--ntasks", "--ntasks-per-node"}, [&](auto* name) {
        const auto* own = step.option(name);
        return own ? leading_number<long>(own->value).value_or(1) > 1 : number_of(script, name, 1) > 1;
    });
}

void check_bad_exit(const Script& script, std::vector<Finding>& findings) {
    if (times_set(script, "SLURM_KILL_BAD_EXIT") > 0) return;
    for (const auto& line : script.lines) {
        auto step = step_of(line);
        if (!step || !has_several(script, *step) || !starts_program(text_of(*step)) ||
            step->option("--kill-on-bad-exit") || has_no_others(*step) || step->is_heterogeneous ||
            may_hold(script, *step, {"--kill-on-bad-exit", "-K"}))
            continue;
        findings.push_back({.id = "kill-on-bad-exit",
                            .level = Level::warn,
                            .where = place(script, line.number),
                            .thing = "srun",
                            .seen = "lets the other tasks wait for one that has failed until the time limit",
                            .next = "add --kill-on-bad-exit=1"});
        return;
    }
}

} // namespace

void check_header(const Script& script, int slurm, std::vector<Finding>& findings) {
    check_reading(script, findings);
    check_cpus(script, slurm, findings);
    check_bad_exit(script, findings);
}

} // namespace railhead
