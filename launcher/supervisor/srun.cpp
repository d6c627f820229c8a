#include "launcher/supervisor/srun.hpp"

#include "base/child.hpp"
#include "launcher/supervisor/outcome.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>

namespace railhead {
namespace {

// Facts about the job that no srun takes as an option. A trailing * is a prefix.
constexpr std::array<std::string_view, 27> kept{
    "SLURM_CONF",
    "SLURM_JOB_ID",
    "SLURM_JOBID",
    "SLURM_JOB_END_TIME",
    "SLURM_JOB_START_TIME",
    "SLURM_RESTART_COUNT",
    "SLURM_ARRAY_*",
    "SLURM_JOB_ACCOUNT",
    "SLURM_JOB_PARTITION",
    "SLURM_JOB_QOS",
    "SLURM_JOB_USER",
    "SLURM_JOB_UID",
    "SLURM_JOB_GID",
    "SLURM_JOB_GROUP",
    "SLURM_JOB_CPUS_PER_NODE",
    "SLURM_JOB_GPUS",
    "SLURM_SUBMIT_DIR",
    "SLURM_SUBMIT_HOST",
    "SLURM_CLUSTER_NAME",
    "SLURM_JOB_RESERVATION",
    "SLURM_HET_SIZE",
    "SLURM_JOB_ID_HET_GROUP_*",
    "SLURM_JOB_NODELIST*",
    "SLURM_TMPDIR",
    // The user's choices for the MPI of ranks that we do not start ourselves.
    "OMPI_MCA_*",
    "PMIX_MCA_*",
    "PRTE_MCA_*",
};

constexpr std::string_view remark = "srun: ";

bool matches(std::string_view name, std::string_view pattern) {
    if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
    return name == pattern;
}

bool belongs_to_slurm(std::string_view name) {
    constexpr std::array<std::string_view, 7> prefixes{"SLURM_", "SLURMD_", "SRUN_",  "PMI_",
                                                       "PMIX_",  "OMPI_",   "SALLOC_"};
    return std::ranges::any_of(prefixes, [&](auto prefix) { return name.starts_with(prefix); });
}

} // namespace

std::vector<std::string> srun_command(const Allocation& allocation, std::size_t component,
                                      const StepSpec& spec) {
    const auto& part = allocation.components[component];
    std::vector<std::string> command{"srun",
                                     "--jobid=" + allocation.job_id,
                                     "--nodes=" + std::to_string(part.nodes.size()),
                                     "--nodelist=" + compress_hostlist(part.nodes),
                                     "--ntasks=" + std::to_string(part.nodes.size()),
                                     "--ntasks-per-node=1",
                                     "--overlap",
                                     "--cpu-bind=none",
                                     "--mem=0",
                                     "--mpi=none",
                                     "--no-kill",
                                     "--kill-on-bad-exit=0",
                                     "--wait=0",
                                     "--job-name=railhead",
                                     "--export=ALL",
                                     "--input=all",
                                     "--verbose"}; // it says which node has started its task
    if (part.het_group) command.push_back("--het-group=" + std::to_string(*part.het_group));
    if (part.gpus) command.push_back(gpus_option(*part.gpus, part.nodes.size(), spec.slurm));
    if (!allocation.container.empty()) command.push_back("--container=" + allocation.container);
    if (spec.broadcast) command.push_back("--bcast=" + spec.broadcast_to);
    command.insert(command.end(), spec.srun_args.begin(), spec.srun_args.end());
    command.push_back(spec.program);
    command.push_back("agent");
    return command;
}

std::optional<std::string> node_that_started(std::string_view line) {
    constexpr std::string_view begin = "Node ", end = " tasks started";
    auto at = line.find(begin);
    auto comma = line.rfind(", ");
    if (!line.starts_with(remark) || !line.ends_with(end) || at == line.npos || comma == line.npos)
        return std::nullopt;
    at += begin.size();
    return comma > at ? std::optional(std::string(line.substr(at, comma - at))) : std::nullopt;
}

std::optional<TasksEnded> tasks_that_ended(std::string_view line) {
    auto mark = line.find(": task");
    if (!line.starts_with(remark) || mark == line.npos) return std::nullopt;
    auto hosts = line.substr(0, mark);
    hosts.remove_prefix(hosts.rfind(' ') + 1); // it has one: the remark's
    auto rest = line.substr(mark + 1);
    auto colon = rest.find(": ");
    if (colon == rest.npos) return std::nullopt;
    auto how = rest.substr(colon + 2);
    auto nodes = expand_hostlist(hosts);
    if (!nodes || nodes->empty() || !(how.starts_with("Exited with") || how == "Completed"))
        return std::nullopt;
    return TasksEnded{std::move(*nodes), std::string(how)};
}

bool is_chatter(std::string_view line) {
    // Of its options getopt_long(3) speaks, without a word before.
    constexpr std::array<std::string_view, 7> telling{
        "error:", "fatal:", "warning:", "Warning:", "unrecognized option", "invalid option", "option '"};
    if (!line.starts_with(remark)) return false;
    line.remove_prefix(remark.size());
    return std::ranges::none_of(telling, [&](auto word) { return line.starts_with(word); });
}

std::string container_of(const Allocation& allocation, const StepSpec& spec) {
    constexpr std::string_view option = "--container";
    auto container = allocation.container;
    for (std::size_t i = 0; i < spec.srun_args.size(); ++i) {
        const std::string_view word = spec.srun_args[i];
        if (word == option && i + 1 < spec.srun_args.size()) container = spec.srun_args[i + 1];
        if (word.starts_with(option) && word.substr(option.size()).starts_with('='))
            container = word.substr(option.size() + 1);
    }
    return container;
}

namespace {

/// The path in the line that is the container or in it; empty: none is.
std::string_view path_in_container(std::string_view line, const std::string& container) {
    constexpr std::string_view around = " '\"";
    for (auto at = line.find(container); at != line.npos; at = line.find(container, at + 1)) {
        if (at > 0 && around.find(line[at - 1]) == around.npos) continue;
        const auto path = line.substr(at, line.find_first_of(" '\":", at) - at);
        if (path.size() == container.size() || container.ends_with('/') || path[container.size()] == '/')
            return path;
    }
    return {};
}

} // namespace

std::optional<Finding> missing_container(const std::string& container, std::string_view words,
                                         const std::vector<std::string>& ended) {
    constexpr std::string_view missing = "o such file or directory", unreadable = "Unspecified error";
    Finding finding{.id = "container-missing", .thing = "the container image " + container};
    finding.next = "put it there on every node, or correct --container";
    std::set<std::string> nodes;
    for (std::string_view rest = words; !container.empty() && !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const bool is_missing = line.find(missing) != line.npos;
        const auto failed = line.find(launch_failed);
        if (failed != line.npos && (is_missing || line.find(unreadable) != line.npos)) {
            const auto node = line.substr(failed + launch_failed.size());
            nodes.emplace(node.substr(0, node.find(':')));
            if (!finding.seen.empty()) continue;
            finding.seen = is_missing ? "is not there, or not the config.json in it" : "cannot be used";
            if (!is_missing)
                finding.next = "look at its config.json, and at slurmd's log there for the reason";
            if (is_missing && !container.starts_with('/')) finding.next = "give its whole path, from / on";
        } else if (const auto path = path_in_container(line, container); is_missing && !path.empty()) {
            if (line.find("exec") != line.npos) continue; // of what shall run in it
            nodes.insert(ended.begin(), ended.end());
            finding.seen = path.size() == container.size()
                               ? "is not there"
                               : fmt::format("is not whole: {} is not there", path);
        }
    }
    if (finding.seen.empty()) return std::nullopt;
    finding.where = compress_hostlist({nodes.begin(), nodes.end()});
    return finding;
}

std::map<std::string, std::string> srun_environment(const Environment& environment,
                                                    std::map<std::string, std::string> added) {
    auto out = std::move(added);
    for (auto& [name, value] : environment.all()) {
        bool keep =
            std::ranges::any_of(kept, [&, &name = name](auto pattern) { return matches(name, pattern); });
        if (keep || !belongs_to_slurm(name)) out.emplace(name, value);
    }
    return out;
}

int become_srun(const Environment& environment, const std::vector<std::string>& command) {
    const auto variables = srun_environment(environment);
    const auto path =
        find_program(command.empty() ? "" : command.front(), environment.get("PATH").value_or(""));
    if (!path) {
        fmt::print(stderr, "railhead: {}\n", sentence(path.error()));
        return exit_code(path.error().kind);
    }
    std::vector<std::string> texts;
    for (auto& [name, value] : variables) texts.push_back(name + "=" + value);
    std::vector<char*> words, env;
    for (auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    for (auto& text : texts) env.push_back(text.data());
    words.push_back(nullptr);
    env.push_back(nullptr);
    execve(path->c_str(), words.data(), env.data());
    fmt::print(stderr, "railhead: {}: {}\n", *path, std::strerror(errno));
    return exit_code(ErrorKind::bringup_failed);
}

std::map<std::string, std::string> requests_of_job(const Environment& environment) {
    std::map<std::string, std::string> found;
    for (const char* name :
         {"SLURM_JOB_NAME", "SLURM_JOB_NUM_NODES", "SLURM_CPUS_PER_TASK", "SLURM_CPUS_PER_GPU",
          "SLURM_GPUS_PER_NODE", "SLURM_GPUS_PER_TASK", "SLURM_TRES_PER_TASK"})
        if (auto value = environment.get(name)) found.emplace(name, *value);
    return found;
}

} // namespace railhead
