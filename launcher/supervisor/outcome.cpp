#include "launcher/supervisor/outcome.hpp"

#include "base/number.hpp"
#include "launcher/recipes/log_causes.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace railhead {
namespace {

std::string who(const Process& process, const std::string& node, const std::optional<int>& rank) {
    if (rank) return fmt::format("rank {} on {}", *rank, node);
    if (process.role == Role::driver) return fmt::format("the driver on {}", node);
    return fmt::format("{} on {}", spoken(process.id), node);
}

/// Of "rank.3", and of "NAME.3" in a group.
std::optional<int> rank_of(const Process& process) {
    const auto dot = process.id.rfind('.');
    if (process.role != Role::rank || process.starts_tasks || dot == process.id.npos) return std::nullopt;
    return whole_number<int>(process.id.substr(dot + 1));
}

bool users_own(const Process& process) {
    return process.role == Role::driver || process.role == Role::rank;
}

std::vector<std::string> end_of(const std::vector<std::string>& log, std::size_t lines) {
    return {log.size() > lines ? log.end() - static_cast<std::ptrdiff_t>(lines) : log.begin(), log.end()};
}

} // namespace

std::string signal_name(int number) {
    const char* name = sigabbrev_np(number);
    return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
}

// A shell gives the end of its child as 128 + signal.
bool was_killed(const Ended& ended) {
    return ended.signal == SIGKILL || ended.code == 128 + SIGKILL;
}

std::string ending_of(const Ended& ended) {
    if (ended.oom && was_killed(ended)) return "was killed by the out-of-memory killer";
    if (ended.oom)
        return ending_of({.code = ended.code, .signal = ended.signal}) +
               " after the out-of-memory killer had killed a process of this job there";
    if (ended.with_step)
        return "was killed with all ranks of its step, as happens after MPI_Abort, a rank's failure or "
               "scancel "
               "of the step";
    if (ended.signal) return "was killed by " + signal_name(*ended.signal);
    return fmt::format("ended with exit code {}", ended.code.value_or(0));
}

Outcome outcome_of(const Process& process, const std::string& node, const Ended& ended,
                   const std::vector<std::string>& log, const Explain& explain) {
    Outcome outcome;
    outcome.cause.process = process.id;
    outcome.cause.node = node;
    outcome.cause.rank = ended.rank ? ended.rank : rank_of(process);
    outcome.cause.sentence = fmt::format("{} {}", who(process, node, ended.rank), ending_of(ended));
    bool own = users_own(process);
    outcome.cause.log_tail = end_of(log, 8);
    if (ended.oom) {
        // A program that lost one of its processes and said so with a code of its own keeps it.
        bool passed_on = own && ended.code && !was_killed(ended);
        outcome.exit_code = passed_on ? *ended.code : exit_code(ErrorKind::out_of_memory);
        outcome.cause.kind = name_of(ErrorKind::out_of_memory);
        outcome.cause.sentence += "; ask for more memory (--mem, --mem-per-gpu) or use less";
    } else {
        outcome.exit_code = !own           ? exit_code(ErrorKind::service_died)
                            : ended.signal ? 128 + *ended.signal
                                           : ended.code.value_or(0);
        outcome.cause.kind = !own ? name_of(ErrorKind::service_died) : ended.signal ? "signal" : "exit";
        auto why = own ? nccl_failure(log) : std::string();
        if (!why.empty()) {
            outcome.exit_code = exit_code(ErrorKind::nccl_failed);
            outcome.cause.kind = name_of(ErrorKind::nccl_failed);
        } else if (explain) {
            why = explain(process, log);
        }
        if (!why.empty()) outcome.cause.sentence += ": " + why;
        if (ended.oom_ago_s > 0)
            outcome.cause.sentence += fmt::format(
                "; {:.0f} s before, the out-of-memory killer had killed a process of this job there",
                ended.oom_ago_s);
    }
    return outcome;
}

Outcome outcome_of(ErrorKind kind, std::string sentence, std::string node, std::vector<std::string> log) {
    Outcome outcome;
    outcome.exit_code = exit_code(kind);
    outcome.cause = {.kind = std::string(name_of(kind)),
                     .process = {},
                     .node = std::move(node),
                     .sentence = std::move(sentence),
                     .log_tail = end_of(log, 8)};
    return outcome;
}

Outcome outcome_of(const Error& error, const std::vector<std::string>& nodes) {
    auto first = error.finding.where.substr(0, error.finding.where.find_first_of(" :"));
    bool named = std::ranges::find(nodes, first) != nodes.end();
    return outcome_of(error.kind, sentence(error), named ? first : std::string());
}

Outcome outcome_of_signal(int number, Sender sender, const std::string& meanwhile) {
    auto what = meanwhile.empty() ? std::string() : " while " + meanwhile;
    if (sender == Sender::preemption)
        return outcome_of(ErrorKind::preempted,
                          fmt::format("preempted{}: Slurm gives the nodes to another job", what));
    if (sender == Sender::time_limit)
        return outcome_of(ErrorKind::time_limit,
                          fmt::format("the job reached its time limit{}; ask for more with --time", what));
    auto who = number == SIGTERM ? ", as scancel, a requeue, preemption and a shortened time limit do" : "";
    return outcome_of(ErrorKind::cancelled,
                      fmt::format("cancelled: told to end by {}{}{}", signal_name(number), what, who));
}

std::string waiting_for(const Missing& missing) {
    if (missing.not_started.empty())
        return fmt::format("waiting for agents on {}", compress_hostlist(missing.nodes));
    return fmt::format("waiting for Slurm to start the agent on {}", compress_hostlist(missing.not_started));
}

Outcome outcome_of_silence(const Missing& missing, double seconds, const std::string& address, int port) {
    if (!missing.not_started.empty()) {
        auto nodes = compress_hostlist(missing.not_started);
        return outcome_of(
            ErrorKind::bringup_timeout,
            fmt::format("{}: Slurm has not started the agent there within {:.0f} s, and the other "
                        "nodes wait for it; see the node's state with 'scontrol show node {}', or "
                        "go on without it (--exclude)",
                        nodes, seconds, nodes),
            missing.not_started.size() == 1 ? nodes : std::string());
    }
    auto nodes = compress_hostlist(missing.nodes);
    return outcome_of(
        ErrorKind::bringup_timeout,
        fmt::format("no agent answered from {} within {:.0f} s; look with 'sinfo -N -n {}' for one that does "
                    "not answer Slurm, for it holds up the step on all, and check that the nodes reach {} "
                    "port {}, or choose another network with launch.interface",
                    nodes, seconds, nodes, address, port));
}

Outcome outcome_of_gone(const std::string& node, const std::string& how, const std::string& words) {
    bool unreached = words.find("the supervisor cannot be reached") != std::string::npos;
    auto text = fmt::format(
        "{}: its agent ended before it could answer ({}){}{}; {}", node, how, words.empty() ? "" : ": ",
        words,
        unreached ? "choose a network on which the nodes reach this one with --interface or --subnet"
                  : "check that the same railhead is installed at the same path there");
    return outcome_of(ErrorKind::bringup_failed, std::move(text), node);
}

Outcome outcome_of_loss(const std::string& node, std::string_view when, const std::string& why) {
    return outcome_of(
        ErrorKind::node_lost,
        fmt::format("{} was lost {}: its agent {}; see the node's state with 'scontrol show node {}'", node,
                    when, why, node),
        node);
}

Outcome outcome_of_own_pause(double seconds) {
    return outcome_of(ErrorKind::node_lost,
                      fmt::format("the supervisor stood still for {:.0f} s, and the nodes ended their part "
                                  "meanwhile (launch.loss_after); "
                                  "look at what stopped the node that it is on, or raise --loss-after",
                                  seconds));
}

Outcome outcome_of_srun(const ChildStatus& status, const std::string& missing, const std::string& words) {
    if (auto failed = words.find(launch_failed); failed != std::string::npos) {
        auto begin = failed + launch_failed.size();
        auto node = words.substr(begin, words.find(':', begin) - begin);
        auto text = fmt::format("{}: its agent could not be started: {}; see the node's state with 'scontrol "
                                "show node {}', or go on without it (--exclude)",
                                node, words, node);
        return outcome_of(ErrorKind::bringup_failed, std::move(text), std::move(node));
    }
    return outcome_of(ErrorKind::bringup_failed,
                      fmt::format("srun ended with {} {} before every agent had started (missing: {}): {}",
                                  status.kind == ChildStatus::Kind::exited ? "exit code" : "signal",
                                  status.value, missing, words.empty() ? "it said nothing" : words));
}

Outcome outcome_of_step_end(const ChildStatus& srun, const std::string& words) {
    if (srun.kind == ChildStatus::Kind::killed)
        return outcome_of(ErrorKind::cancelled,
                          fmt::format("srun, which holds the step of the agents, was killed by {}",
                                      signal_name(srun.value)));
    auto said = words.empty() ? std::string() : fmt::format(" (srun: {})", words);
    // We stood still for longer than agents wait, and hear of it only now.
    if (srun.value == exit_code(ErrorKind::node_lost))
        return outcome_of(ErrorKind::node_lost,
                          fmt::format("every agent has left by itself{}; see what held this node or its "
                                      "network up, or raise launch.loss_after",
                                      said));
    return outcome_of(
        ErrorKind::cancelled,
        fmt::format("the step was ended from outside{}: every agent was killed, as scancel does", said));
}

} // namespace railhead
