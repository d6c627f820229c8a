#include "lint/checks.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace railhead {
namespace {

constexpr auto rendezvous = std::to_array<std::string_view>(
    {"--rdzv_endpoint", "--rdzv-endpoint", "--master_addr", "--master-addr", "--main_process_ip"});

/// What of the line's settings a task replaces by its node's own name, and not the script that starts it: in
/// single quotes, or after a backslash. Empty: nothing.
std::string_view asked_by_task(std::string_view text) {
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escaped = text[i] == '\\' && quote != '\'';
        const auto before = text.substr(0, text.substr(0, i).find_last_not_of("\"\\") + 1); // npos + 1 is 0
        i += escaped;
        auto rest = text.substr(std::min(i, text.size()));
        for (std::string_view own : {"$(hostname", "`hostname", "$HOSTNAME", "${HOSTNAME", "$SLURMD_NODENAME",
                                     "${SLURMD_NODENAME"}) {
            if (!rest.starts_with(own) || (!escaped && quote != '\'')) continue;
            if (before.ends_with("MASTER_ADDR=")) return "MASTER_ADDR";
            for (auto name : rendezvous)
                if (!before.empty() && before.substr(0, before.size() - 1).ends_with(name)) return name;
        }
        if (escaped || rest.empty()) continue;
        if (quote != 0)
            quote = rest[0] == quote ? 0 : quote;
        else if (rest[0] == '\'' || rest[0] == '"')
            quote = rest[0];
    }
    return {};
}

bool is_own(std::string_view host) {
    return host == "localhost" || host == "127.0.0.1" || host == "0.0.0.0" || host == "::1";
}

/// "localhost:29400" of a torchrun of several nodes, as it stands in the line; empty: none.
std::string own_rendezvous(const std::vector<std::string>& words, std::string_view by_task) {
    std::string found;
    for (std::size_t i = 0; i < words.size(); ++i) {
        for (std::string_view name : {"--nnodes", "--nnode", "--num_machines"})
            if (value_at(words, i, name) == "1") return {};
        for (auto name : rendezvous) {
            const auto value = value_at(words, i, name);
            if (is_own(value.substr(0, value.find(':'))) || (name == by_task && !value.empty()))
                found = fmt::format("{}={}", name, value);
        }
    }
    return found;
}

/// "$(scontrol show hostnames | sed -n 2p)", "${nodes[-1]}": no first node; empty: it may be.
std::string_view other_node(std::string_view address) {
    auto has = [&](std::string_view text) { return address.find(text) != address.npos; };
    constexpr std::string_view last = "is the last node, and rank 0 runs on the first";
    if (has("tail -n +") || has("tail -n+")) return {};
    if (has("tail") || has("[-1]") || (has("sort -r") && has("head"))) return last;
    for (std::string_view pick : {"sed -n ", "sed -n '", "sed -n \""}) {
        const auto at = address.find(pick);
        if (at == address.npos) continue;
        const auto which = address.substr(at + pick.size());
        if (which.starts_with("$p")) return last;
        if (which.substr(0, 2) != "1p" && is_number(which.substr(0, which.find('p'))))
            return "is not the first node, on which rank 0 runs";
    }
    return {};
}

/// Of "$NAME" what the script sets it to, once: HEAD=$(scontrol show hostnames | tail -n 1).
std::string with_answer(const Script& script, const std::string& address) {
    auto name = std::string_view(address);
    if (!name.starts_with('$') || name.starts_with("$(")) return address;
    name.remove_prefix(name.starts_with("${") ? 2 : 1);
    if (name.ends_with('}')) name.remove_suffix(1);
    std::vector<std::string> values;
    for (const auto& line : script.lines)
        for (const auto& word : line.words)
            if (auto value = assigned(word, name); !value.empty()) values.emplace_back(value);
    return values.size() == 1 ? values.front() : address;
}

/// One node, or one task, whose own address is the first's.
bool is_of_one(const std::optional<StepLine>& step) {
    return step && std::ranges::any_of(std::array{"--nodes", "--ntasks"}, [&](auto* name) {
               const auto* option = step->option(name);
               return option && option->value == "1";
           });
}

} // namespace

void check_master(const Script& script, const ScriptLine& line, std::vector<Finding>& findings) {
    if (number_of(script, "--nodes", 1) < 2) return;
    const auto step = step_of(line);
    if (is_of_one(step)) return;
    const auto by_task = step ? asked_by_task(line.text) : std::string_view();
    auto words = all_words(line);
    for (const auto& command : commands_of(line)) // "export MASTER_ADDR=$(hostname); python3 train.py"
        for (const auto& word : command.words)
            if (!prints(command))
                for (auto& inner : shell_words(word)) words.push_back(std::move(inner));
    const bool launches = step && (starts_torch(line.text) || starts_torch(text_of(*step)) ||
                                   mentions(text_of(*step), "accelerate launch"));
    if (auto own = own_rendezvous(words, by_task); !own.empty() && launches) {
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
        const auto address = with_answer(script, std::string(assigned(word, "MASTER_ADDR")));
        const auto whole = shell_words(address);
        if (whole.empty()) continue;
        const bool asks =
            address.find("hostname") != address.npos || address.find("$HOSTNAME") != address.npos ||
            address.find("${HOSTNAME") != address.npos || address.find("SLURMD_NODENAME") != address.npos;
        std::string seen;
        if (is_own(address))
            seen = "is each node's own address";
        else if (address.find("SLURM_SUBMIT_HOST") != address.npos)
            seen = "is the login node, which runs no rank";
        else if (auto other = other_node(address); !other.empty())
            seen = other;
        else if (asks && by_task == "MASTER_ADDR")
            seen = "is evaluated by each task, and so a different node for each";
        if (seen.empty()) continue;
        findings.push_back({.id = "master-addr",
                            .level = Level::warn,
                            .where = place(script, line.number),
                            .thing = fmt::format("MASTER_ADDR={}", whole.front().substr(0, 80)),
                            .seen = seen,
                            .next = "in the script, before srun: export MASTER_ADDR=$(scontrol show "
                                    "hostnames \"$SLURM_JOB_NODELIST\" | head -n 1)"});
        return;
    }
}

} // namespace railhead
