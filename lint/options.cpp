#include "lint/options.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace railhead {
namespace {

constexpr std::array<std::pair<char, std::string_view>, 18> short_options{{{'A', "--account"},
                                                                           {'a', "--array"},
                                                                           {'C', "--constraint"},
                                                                           {'c', "--cpus-per-task"},
                                                                           {'D', "--chdir"},
                                                                           {'e', "--error"},
                                                                           {'G', "--gpus"},
                                                                           {'J', "--job-name"},
                                                                           {'K', "--kill-on-bad-exit"},
                                                                           {'N', "--nodes"},
                                                                           {'n', "--ntasks"},
                                                                           {'O', "--overcommit"},
                                                                           {'o', "--output"},
                                                                           {'p', "--partition"},
                                                                           {'q', "--qos"},
                                                                           {'t', "--time"},
                                                                           {'w', "--nodelist"},
                                                                           {'x', "--exclude"}}};

/// Options of sbatch, salloc and srun without a value, or with one after "=" only: the word that follows is
/// not theirs. (srun's --wait has one.)
constexpr std::array<std::string_view, 56> alone{"--bell",
                                                 "--contiguous",
                                                 "--disable-status",
                                                 "-X",
                                                 "--exact",
                                                 "--exclusive",
                                                 "--get-user-env",
                                                 "--help",
                                                 "-h",
                                                 "--hold",
                                                 "-H",
                                                 "--ignore-pbs",
                                                 "--immediate",
                                                 "-I",
                                                 "--interactive",
                                                 "--kill-on-bad-exit",
                                                 "-K",
                                                 "--label",
                                                 "-l",
                                                 "--multi-prog",
                                                 "--nice",
                                                 "--no-allocate",
                                                 "-Z",
                                                 "--no-bell",
                                                 "--no-kill",
                                                 "-k",
                                                 "--no-requeue",
                                                 "--no-shell",
                                                 "--overcommit",
                                                 "-O",
                                                 "--overlap",
                                                 "--oversubscribe",
                                                 "-s",
                                                 "--parsable",
                                                 "--preserve-env",
                                                 "-E",
                                                 "--propagate",
                                                 "--pty",
                                                 "--quiet",
                                                 "-Q",
                                                 "--reboot",
                                                 "--requeue",
                                                 "--share",
                                                 "--spread-job",
                                                 "--stepmgr",
                                                 "--test-only",
                                                 "--unbuffered",
                                                 "-u",
                                                 "--usage",
                                                 "--use-min-nodes",
                                                 "--verbose",
                                                 "-v",
                                                 "--version",
                                                 "-V",
                                                 "--wait",
                                                 "-W"};

/// Every long option of sbatch, 22.05 to 26.05: of those it takes a beginning that only one has.
constexpr std::array<std::string_view, 119> long_options{"account",
                                                         "acctg-freq",
                                                         "array",
                                                         "batch",
                                                         "bb",
                                                         "bbf",
                                                         "begin",
                                                         "bell",
                                                         "burst-buffer",
                                                         "chdir",
                                                         "cluster-constraint",
                                                         "clusters",
                                                         "comment",
                                                         "constraint",
                                                         "container",
                                                         "container-id",
                                                         "contiguous",
                                                         "core-spec",
                                                         "cores-per-socket",
                                                         "cpu-freq",
                                                         "cpus-per-gpu",
                                                         "cpus-per-task",
                                                         "deadline",
                                                         "delay-boot",
                                                         "dependency",
                                                         "distribution",
                                                         "error",
                                                         "exclude",
                                                         "exclusive",
                                                         "export",
                                                         "export-file",
                                                         "external-launcher",
                                                         "extra",
                                                         "extra-node-info",
                                                         "get-user-env",
                                                         "gid",
                                                         "gpu-bind",
                                                         "gpu-freq",
                                                         "gpus",
                                                         "gpus-per-node",
                                                         "gpus-per-socket",
                                                         "gpus-per-task",
                                                         "gres",
                                                         "gres-flags",
                                                         "help",
                                                         "hint",
                                                         "hold",
                                                         "ignore-pbs",
                                                         "immediate",
                                                         "input",
                                                         "job-name",
                                                         "kill-on-invalid-dep",
                                                         "licenses",
                                                         "mail-type",
                                                         "mail-user",
                                                         "mcs-label",
                                                         "mem",
                                                         "mem-bind",
                                                         "mem-per-cpu",
                                                         "mem-per-gpu",
                                                         "mincpus",
                                                         "network",
                                                         "nice",
                                                         "no-bell",
                                                         "no-kill",
                                                         "no-requeue",
                                                         "nodefile",
                                                         "nodelist",
                                                         "nodes",
                                                         "ntasks",
                                                         "ntasks-per-core",
                                                         "ntasks-per-gpu",
                                                         "ntasks-per-node",
                                                         "ntasks-per-socket",
                                                         "ntasks-per-tres",
                                                         "open-mode",
                                                         "output",
                                                         "overcommit",
                                                         "oversubscribe",
                                                         "parsable",
                                                         "partition",
                                                         "power",
                                                         "prefer",
                                                         "priority",
                                                         "profile",
                                                         "propagate",
                                                         "qos",
                                                         "quiet",
                                                         "reboot",
                                                         "requeue",
                                                         "reservation",
                                                         "resv-ports",
                                                         "segment",
                                                         "share",
                                                         "signal",
                                                         "sockets-per-node",
                                                         "spread-job",
                                                         "stepmgr",
                                                         "switches",
                                                         "tasks-per-node",
                                                         "test-only",
                                                         "thread-spec",
                                                         "threads-per-core",
                                                         "time",
                                                         "time-min",
                                                         "tmp",
                                                         "tres-bind",
                                                         "tres-per-task",
                                                         "uid",
                                                         "umask",
                                                         "usage",
                                                         "use-min-nodes",
                                                         "verbose",
                                                         "version",
                                                         "wait",
                                                         "wait-all-nodes",
                                                         "wckey",
                                                         "workdir",
                                                         "wrap"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 21> variables_of{
    {{"SBATCH_ACCOUNT", "--account"},
     {"SBATCH_ARRAY_INX", "--array"},
     {"SBATCH_CONSTRAINT", "--constraint"},
     {"SBATCH_CPUS_PER_GPU", "--cpus-per-gpu"},
     {"SBATCH_EXCLUSIVE", "--exclusive"},
     {"SBATCH_GRES", "--gres"},
     {"SBATCH_GPUS", "--gpus"},
     {"SBATCH_GPU_BIND", "--gpu-bind"},
     {"SBATCH_GPUS_PER_NODE", "--gpus-per-node"},
     {"SBATCH_GPUS_PER_SOCKET", "--gpus-per-socket"},
     {"SBATCH_GPUS_PER_TASK", "--gpus-per-task"},
     {"SBATCH_IGNORE_PBS", "--ignore-pbs"},
     {"SBATCH_MEM_PER_CPU", "--mem-per-cpu"},
     {"SBATCH_MEM_PER_GPU", "--mem-per-gpu"},
     {"SBATCH_MEM_PER_NODE", "--mem"},
     {"SBATCH_OVERCOMMIT", "--overcommit"},
     {"SBATCH_PARTITION", "--partition"},
     {"SBATCH_QOS", "--qos"},
     {"SBATCH_RESERVATION", "--reservation"},
     {"SBATCH_TIMELIMIT", "--time"},
     {"SBATCH_TRES_PER_TASK", "--tres-per-task"}}};

/// "--partition" of "--partit"; what is no beginning, or that of several, stays.
std::string full_name(std::string_view name) {
    if (name == "--tasks-per-node") return "--ntasks-per-node";
    auto begun = name.substr(std::min<std::size_t>(2, name.size()));
    std::string_view found;
    for (auto each : long_options) {
        if (each == begun) return std::string(name);
        if (begun.empty() || !each.starts_with(begun)) continue;
        if (!found.empty()) return std::string(name);
        found = each;
    }
    if (found.empty()) return std::string(name);
    return found == "tasks-per-node" ? "--ntasks-per-node" : "--" + std::string(found);
}

} // namespace

bool is_alone(std::string_view name) {
    return std::find(alone.begin(), alone.end(), name) != alone.end();
}

bool is_of_all_components(std::string_view name) {
    return name == "--account" || name == "--qos" || name == "--reservation" || name == "--time" ||
           name == "--time-min";
}

std::vector<std::string> environment_options(const std::map<std::string, std::string>& variables) {
    std::vector<std::string> options;
    for (auto [variable, option] : variables_of) {
        auto found = variables.find(std::string(variable));
        if (found == variables.end()) continue;
        auto value = found->second.empty() ? "" : "=" + found->second;
        options.push_back(std::string(option) + value);
    }
    return options;
}

void add_options(std::vector<ScriptOption>& options, const std::vector<std::string>& words, int line,
                 int component) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view word = words[i];
        if (word.size() < 2 || word[0] != '-') continue;
        ScriptOption option{.line = line, .component = component};
        bool needs_value = true;
        if (word[1] == '-') {
            auto equals = word.find('=');
            option.name = full_name(word.substr(0, equals));
            needs_value = equals == word.npos;
            if (!needs_value) option.value = word.substr(equals + 1);
        } else {
            auto known = std::find_if(short_options.begin(), short_options.end(),
                                      [&](auto& each) { return each.first == word[1]; });
            option.name = known == short_options.end() ? word.substr(0, 2) : known->second;
            option.value = word.substr(word.size() > 2 && word[2] == '=' ? 3 : 2);
            needs_value = option.value.empty();
        }
        if (needs_value && !is_alone(option.name) && i + 1 < words.size() && !words[i + 1].starts_with('-'))
            option.value = words[++i];
        options.push_back(std::move(option));
    }
}

} // namespace railhead
