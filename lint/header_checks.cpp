#include "lint/checks.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

bool sets(const Script& script, std::string_view variable) {
    return std::any_of(script.lines.begin(), script.lines.end(), [&](const ScriptLine& line) {
        return std::any_of(line.words.begin(), line.words.end(), [&](const std::string& word) {
            return word.starts_with(variable) && word.substr(variable.size()).starts_with('=');
        });
    });
}

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
    if (slurm < 2205 || slurm >= 2400 || cpus <= 1 || sets(script, "SRUN_CPUS_PER_TASK")) return;
    for (const auto& line : script.lines) {
        auto step = step_of(line);
        if (!step || step->option("--cpus-per-task") || mentions(line.text, "railhead")) continue;
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

void check_bad_exit(const Script& script, std::vector<Finding>& findings) {
    bool several = number_of(script, "--nodes", 1) > 1 || number_of(script, "--ntasks", 1) > 1 ||
                   number_of(script, "--ntasks-per-node", 1) > 1;
    if (!several || sets(script, "SLURM_KILL_BAD_EXIT")) return;
    for (const auto& line : script.lines) {
        auto step = step_of(line);
        if (!step || !starts_program(line.text) || step->option("--kill-on-bad-exit") || has_no_others(*step))
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
