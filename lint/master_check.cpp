#include "lint/checks.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

/// Whether a task replaces the node's own name in the line, and not the script that starts it: in single
/// quotes, or after a backslash.
bool is_of_each_task(std::string_view text) {
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool escaped = text[i] == '\\' && quote != '\'';
        i += escaped;
        auto rest = text.substr(std::min(i, text.size()));
        for (std::string_view own : {"$(hostname", "`hostname", "$SLURMD_NODENAME", "${SLURMD_NODENAME"})
            if (rest.starts_with(own) && (escaped || quote == '\'')) return true;
        if (escaped || rest.empty()) continue;
        if (quote != 0)
            quote = rest[0] == quote ? 0 : quote;
        else if (rest[0] == '\'' || rest[0] == '"')
            quote = rest[0];
    }
    return false;
}

/// The value of an option of that name, in either form, at this word; empty: it is none.
std::string_view value_at(const std::vector<std::string>& words, std::size_t i, std::string_view name) {
    if (words[i] == name && i + 1 < words.size()) return words[i + 1];
    return assigned(words[i], name);
}

/// "localhost:29400" of a torchrun of several nodes, as it stands in the line; empty: none.
std::string own_rendezvous(const std::vector<std::string>& words) {
    std::string found;
    for (std::size_t i = 0; i < words.size(); ++i) {
        for (std::string_view name : {"--nnodes", "--nnode"})
            if (value_at(words, i, name) == "1") return {};
        for (std::string_view name :
             {"--rdzv_endpoint", "--rdzv-endpoint", "--master_addr", "--master-addr", "--main_process_ip"}) {
            const auto value = value_at(words, i, name);
            const auto host = value.substr(0, value.find(':'));
            if (host == "localhost" || host == "127.0.0.1") found = fmt::format("{}={}", name, value);
        }
    }
    return found;
}

} // namespace

void check_master(const Script& script, const ScriptLine& line, std::vector<Finding>& findings) {
    if (number_of(script, "--nodes", 1) < 2) return;
    bool by_task = step_of(line).has_value() && is_of_each_task(line.text);
    auto words = all_words(line);
    for (const auto& command : commands_of(line)) // "export MASTER_ADDR=$(hostname); python3 train.py"
        for (const auto& word : command.words)
            if (!prints(command))
                for (auto& inner : shell_words(word)) words.push_back(std::move(inner));
    if (auto own = own_rendezvous(words); !own.empty() && starts_torch(line.text) && step_of(line)) {
        findings.push_back({.id = "master-addr",
                            .level = Level::warn,
                            .where = place(script, line.number),
                            .thing = own,
                            .seen = "is each node's own address, and each waits for itself",
                            .next =
                                "name the first node: $(scontrol show hostnames \"$SLURM_JOB_NODELIST\" | "
                                "head -n 1), or let railhead torchrun do it"});
        return;
    }
    for (const auto& word : words) {
        auto address = assigned(word, "MASTER_ADDR");
        if (address.empty()) continue;
        bool here = address.find("$(hostname") != address.npos || address.find("`hostname") != address.npos ||
                    address.find("SLURMD_NODENAME") != address.npos;
        std::string seen;
        if (address == "localhost" || address == "127.0.0.1")
            seen = "is each node's own address";
        else if (address.find("SLURM_SUBMIT_HOST") != address.npos)
            seen = "is the login node, which runs no rank";
        else if (address.find("tail") != address.npos)
            seen = "is the last node, and rank 0 runs on the first";
        else if (by_task && here)
            seen = "is evaluated by each task, and so a different node for each";
        if (seen.empty()) continue;
        findings.push_back({.id = "master-addr",
                            .level = Level::warn,
                            .where = place(script, line.number),
                            .thing = fmt::format("MASTER_ADDR={}", address.substr(0, 80)),
                            .seen = seen,
                            .next = "in the script, before srun: export MASTER_ADDR=$(scontrol show "
                                    "hostnames \"$SLURM_JOB_NODELIST\" | head -n 1)"});
        return;
    }
}

} // namespace railhead
