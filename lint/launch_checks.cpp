#include "lint/checks.hpp"

#include "base/number.hpp"
#include "lint/request.hpp"
#include "slurm/fields.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace railhead {
namespace {

/// Whether slurmctld is asked: "scontrol show hostnames" and its like only spell names.
bool asks_slurmctld(std::string_view text) {
    for (auto at = text.find("scontrol"); at != text.npos; at = text.find("scontrol", at + 1)) {
        auto words = shell_words(text.substr(at));
        if (words.front() != "scontrol") continue;
        bool spells = words.size() > 2 && words[1] == "show" && words[2].starts_with("host");
        if (!spells) return true;
    }
    return false;
}

/// The task asks, and not the script that starts it.
bool asks_by_task(const StepLine& step) {
    const auto& words = step.program;
    for (std::size_t i = 0; i < words.size(); ++i) {
        bool spells = i + 2 < words.size() && words[i + 1] == "show" && words[i + 2].starts_with("host");
        if (words[i] == "scontrol" && !spells) return true;
        bool by_script = words[i].find("$(scontrol") != words[i].npos || words[i].starts_with("$(");
        if (words[i].find(' ') != words[i].npos && !by_script && asks_slurmctld(words[i])) return true;
    }
    return false;
}

/// "mlx5_1", which takes mlx5_10, too; but not "mlx5", which means all of them, and not "mlx5_0": there is no
/// mlx5_00.
bool begins_other_names(std::string_view name) {
    auto digits = name.find_last_not_of("0123456789") + 1; // npos + 1 is 0
    return digits > 0 && digits < name.size() && name[digits - 1] == '_' && name[digits] != '0';
}

/// Of NCCL_IB_HCA's value, what else it takes: "mlx5_10" of "mlx5_0,mlx5_1:1". Empty: nothing.
std::string taken_unasked(std::string_view hca) {
    if (hca.starts_with('^')) hca.remove_prefix(1);
    std::string taken;
    if (hca.starts_with('=')) return taken;
    for (const auto& device : names_in(hca)) {
        auto name = device.substr(0, device.find(':'));
        if (begins_other_names(name)) taken += (taken.empty() ? "" : ", ") + name + "0";
    }
    return taken;
}

bool starts_ray(const ScriptLine& line) {
    auto words = all_words(line);
    if (prints(line)) return false;
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        if ((words[i] == "ray" || words[i].ends_with("/ray") || words[i] == "ray.scripts.scripts") &&
            (words[i + 1] == "start" || words[i + 1] == "symmetric-run"))
            return true;
    return false;
}

void check_ray(const Script& script, std::vector<Finding>& findings) {
    auto by_hand = std::find_if(script.lines.begin(), script.lines.end(), starts_ray);
    if (by_hand == script.lines.end()) return;
    findings.push_back(
        {.id = "ray-by-hand",
         .level = Level::warn,
         .where = place(script, by_hand->number),
         .thing = "Ray",
         .seen = "is started by hand: ports, sleeps and the end of the job are yours to get right",
         .next = "replace all of it by one line: railhead ray -- COMMAND"});
}

/// The number of a port that the words give as such; empty: none. 0 is any that is free.
std::string fixed_port(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        for (std::string_view name : {"MASTER_PORT", "--master_port", "--master-port", "--main_process_port",
                                      "--main-process-port"}) {
            const auto port = default_of(value_at(words, i, name));
            if (is_number(port)) return std::string(port);
        }
        for (std::string_view name : {"--rdzv_endpoint", "--rdzv-endpoint", "--dist-url", "--dist_url",
                                      "--init-method", "--init_method"}) {
            auto endpoint = value_at(words, i, name);
            auto port = endpoint.substr(std::min(endpoint.rfind(':') + 1, endpoint.size())); // npos + 1 is 0
            if (endpoint.find(':') != endpoint.npos && is_number(port)) return std::string(port);
        }
    }
    return {};
}

/// Of a server that people start in a job: of other programs, --port may be where somebody else listens.
std::string port_of_server(const ScriptLine& line, const std::vector<std::string>& words) {
    constexpr std::array servers{"vllm serve",   "vllm.entrypoints", "sglang.launch_server",
                                 "trtllm-serve", "tensorboard",      "jupyter",
                                 "uvicorn",      "mlflow server",    "text-generation-launcher"};
    if (std::none_of(servers.begin(), servers.end(),
                     [&](auto* server) { return line.text.find(server) != line.text.npos; }))
        return {};
    for (std::size_t i = 0; i < words.size(); ++i)
        if (const auto port = default_of(value_at(words, i, "--port")); is_number(port))
            return std::string(port);
    return {};
}

/// "localhost" of "`hostname -i || echo localhost`", whose words the shell's reader leaves as they are, and
/// of "printf 'localhost\n'".
std::string_view host_in(std::string_view word) {
    return word.substr(0, word.find_first_of("`\\"));
}

/// "echo localhost" behind a "||"; empty: none.
std::string localhost_behind(const std::vector<std::string>& words) {
    for (auto at = words.begin(); (at = std::find(at, words.end(), "||")) != words.end();) {
        auto end = std::find_if(++at, words.end(), is_operator);
        if (at == end || (*at != "echo" && *at != "printf")) continue;
        auto said = std::find_if(at + 1, end, [](auto& word) { return word[0] != '-' && word[0] != '%'; });
        if (said == end) continue;
        const auto host = host_in(*said);
        if (host == "localhost" || host == "127.0.0.1" || host == "::1")
            return fmt::format("{} {}", *at, host);
    }
    return {};
}

/// What the word gives NCCL_IB_HCA, itself, as a default or in srun's --export; empty: nothing.
std::string_view hca_in(std::string_view word) {
    constexpr std::string_view name = "NCCL_IB_HCA";
    if (const auto own = assigned(word, name); !own.empty()) return default_of(own);
    if (word.starts_with("${NCCL_IB_HCA:=") || word.starts_with("${NCCL_IB_HCA=")) return default_of(word);
    for (auto at = word.find(name); at != word.npos; at = word.find(name, at + 1)) {
        const bool is_exported =
            at > 0 && (word[at - 1] == ',' || (word[at - 1] == '=' && word.starts_with("--export")));
        const auto value = assigned(word.substr(at), name);
        if (is_exported && !value.empty()) return value.substr(0, value.find(','));
    }
    return {};
}

/// What of the line is run once for each turn of a loop.
std::string_view in_turns(const ScriptLine& line) {
    std::string_view text = line.text, first = line.words.front();
    if (first == "done") return {};
    if (first == "for") text.remove_prefix(std::min(text.find(" do "), text.size()));
    bool turns = line.in_loop || first == "for" || first == "while" || first == "until";
    return turns ? text.substr(0, text.find("; done")) : std::string_view();
}

void check_line(const Script& script, const ScriptLine& line, std::vector<Finding>& findings) {
    auto words = all_words(line);
    auto add = [&](const char* id, std::string thing, std::string seen, std::string next) {
        findings.push_back({.id = id,
                            .level = Level::warn,
                            .where = place(script, line.number),
                            .thing = std::move(thing),
                            .seen = std::move(seen),
                            .next = std::move(next)});
    };
    const auto* exclusive = script.option("--exclusive");
    auto port = fixed_port(words);
    if (port.empty()) port = port_of_server(line, words);
    if (!port.empty() && port != "0" && !exclusive && !prints(line))
        add("fixed-port", "port " + port, "is the same for every job, and two on one node collide",
            "derive it from the job: $((20000 + SLURM_JOB_ID % 10000))");
    if (auto said = localhost_behind(words); !said.empty())
        add("localhost-fallback", "|| " + said,
            "hides that the address was not found: each node then waits for itself", "let it fail");
    if (asks_slurmctld(in_turns(line)))
        add("scontrol-in-loop", "scontrol", "is asked once for each turn, and slurmctld serves all users",
            "ask once before the loop");
    if (auto step = step_of(line); step && asks_by_task(*step))
        add("scontrol-per-task", "scontrol", "is asked by every task, and slurmctld serves all users",
            "ask once in the script and pass the answer on");
    for (const auto& word : words) {
        auto hca = hca_in(word);
        if (auto taken = taken_unasked(hca); !taken.empty())
            add("nccl-ib-hca", fmt::format("NCCL_IB_HCA={}", hca),
                fmt::format("takes every device whose name begins so: {}, too", taken),
                fmt::format("write NCCL_IB_HCA={}={}", hca[0] == '^' ? "^" : "",
                            hca.substr(hca[0] == '^' ? 1 : 0)));
    }
}

/// How many of the step's tasks start on a node; absent: the script does not tell.
std::optional<std::uint64_t> tasks_on_node(const Script& script, const StepLine& step) {
    using Number = std::optional<std::uint64_t>;
    auto job = request_of(script);
    auto own = [&](std::string_view name, Number otherwise) {
        const auto* option = step.option(name);
        return option ? whole_number<std::uint64_t>(option->value) : otherwise;
    };
    auto nodes = own("--nodes", job.nodes_min);
    auto spread = [&](Number tasks) {
        return tasks && nodes && *nodes > 0 ? Number((*tasks + *nodes - 1) / *nodes) : std::nullopt;
    };
    if (step.option("--ntasks-per-node")) return own("--ntasks-per-node", {});
    if (step.option("--ntasks")) return spread(own("--ntasks", {}));
    if (job.tasks_per_node) return job.tasks_per_node;
    if (job.tasks) return spread(job.tasks);
    for (const auto& item : job.gpus.items)
        if (job.tasks_per_gpu && item.gres == "gpu" && item.per == Per::node)
            return item.count * *job.tasks_per_gpu;
    return std::nullopt;
}

/// The value of the option that has one of these names; empty: none has.
std::string_view value_among(const std::vector<std::string>& words, std::string_view name,
                             std::string_view other) {
    for (std::size_t i = 0; i < words.size(); ++i)
        for (auto each : {name, other})
            if (const auto value = value_at(words, i, each); !value.empty()) return value;
    return {};
}

/// Accelerate starts a machine's share of all processes. With as many machines as tasks each starts one, and
/// what neither the line nor Slurm tells may be in a file of settings.
bool accelerates_all(const std::vector<std::string>& words) {
    const auto launch = std::find(words.begin(), words.end(), "launch");
    if (launch == words.begin() || launch == words.end() || !(launch - 1)->ends_with("accelerate"))
        return false;
    const auto processes = value_among(words, "--num_processes", "--num-processes");
    const auto machines = value_among(words, "--num_machines", "--num-machines");
    if (processes.empty() || processes == "1" || processes == machines) return false;
    return machines.empty() || is_number(machines) || machines.find("_NNODES") != machines.npos ||
           machines.find("_NUM_NODES") != machines.npos;
}

/// The launcher that the step starts and that starts all of a node's processes; empty: none. Each of many may
/// be told to start one.
std::string_view launcher_of(const StepLine& step, const ScriptLine& line) {
    const auto words = all_words(line);
    if (starts_torch(text_of(step)))
        return value_among(words, "--nproc-per-node", "--nproc_per_node") == "1" ? "" : "torchrun";
    return accelerates_all(words) ? "accelerate launch" : "";
}

void check_torchrun(const Script& script, std::vector<Finding>& findings) {
    for (const auto& line : script.lines) {
        auto step = step_of(line);
        if (!step || may_hold(script, *step, {"--ntasks", "-n"})) continue;
        auto launcher = launcher_of(*step, line);
        auto tasks = tasks_on_node(script, *step);
        if (launcher.empty() || tasks.value_or(1) < 2) continue;
        findings.push_back(
            {.id = "torchrun-tasks",
             .where = place(script, line.number),
             .thing = std::string(launcher),
             .seen = fmt::format(
                 "is started {} times on each node, and starts all of a node's processes each time", *tasks),
             .next = "ask for --ntasks-per-node=1"});
        return;
    }
}

} // namespace

void check_launch(const Script& script, std::vector<Finding>& findings) {
    check_ray(script, findings);
    check_torchrun(script, findings);
    check_sleep(script, findings);
    for (const auto& line : script.lines) {
        check_line(script, line, findings);
        check_master(script, line, findings);
    }
}

} // namespace railhead
