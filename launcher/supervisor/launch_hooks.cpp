// The user's commands that each node runs before everything else and after it.
#include "launcher/supervisor/launch.hpp"

#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace railhead {

// Before anything else: an agent that is told to end by Slurm runs it all the same.
void Launch::send_after() {
    for (auto& each : plan_.after)
        if (auto process = values_.filled(each))
            sink_.send(each.node, Order{.type = Order::Type::start, .id = each.id, .process = *process});
}

std::string Launch::end_text() const {
    return fmt::format("{} {}", outcome_->exit_code, outcome_->cause.kind);
}

void Launch::look_at_before() {
    if (before_is_up_) return;
    before_is_up_ = std::ranges::all_of(plan_.before, [&](auto& each) { return up(processes_.at(each.id)); });
    if (before_is_up_)
        sink_.say(fmt::format("the command before the start has ended on {}",
                              counted(plan_.before.size(), "node")));
}

void Launch::on_before_ended(Running& running, double now) {
    const auto& process = *running.process;
    const auto& node = node_name(process.node);
    hooks_.push_back({.node = node,
                      .name = "before",
                      .s = now - running.started_s.value_or(now),
                      .exit_code = running.ended->code});
    if (running.ended->code == 0 || phase_ >= Phase::ending) return;
    auto outcome =
        outcome_of(ErrorKind::bringup_failed,
                   fmt::format("{}: the command before the start {}{}; correct or leave out {}", node,
                               ending_of(*running.ended), running.log.empty() ? " without a word" : "",
                               "--before-node (launch.before_node)"),
                   node, running.log);
    outcome.cause.process = process.id;
    end(std::move(outcome), now);
}

/// At the bring-up's time-out: it is theirs, whatever else was not started because of them.
std::optional<Outcome> Launch::late_before(double now) const {
    std::vector<std::string> nodes;
    const Running* first = nullptr;
    double longest_s = 0;
    for (const auto& each : plan_.before) {
        const auto& running = processes_.at(each.id);
        if (up(running) || running.ended) continue;
        if (!first) first = &running;
        nodes.push_back(node_name(each.node));
        longest_s = std::max(longest_s, now - running.started_s.value_or(now));
    }
    if (!first) return std::nullopt;
    auto outcome = outcome_of(
        ErrorKind::bringup_timeout,
        fmt::format(
            "{}: the command before the start has run for {:.0f} s and not ended within the "
            "bring-up's {:.0f} s; correct --before-node (launch.before_node) or raise --bringup-timeout",
            compress_hostlist(nodes), longest_s, plan_.bringup_timeout_s),
        nodes.front(), first->log);
    outcome.cause.process = first->process->id;
    return outcome;
}

// Started and ended by the agents themselves, when they leave.
void Launch::on_after(const Event& event, double now) {
    auto found = std::ranges::find(plan_.after, event.id, &Process::id);
    if (found == plan_.after.end()) return;
    if (event.type == Event::Type::started) after_started_s_[event.id] = now;
    if (event.type != Event::Type::exited || !event.ended) return;
    const auto started = after_started_s_.find(event.id);
    const auto seconds = started == after_started_s_.end() ? 0 : now - started->second;
    const auto& node = node_name(found->node);
    hooks_.push_back({.node = node, .name = "after", .s = seconds, .exit_code = event.ended->code});
    if (event.ended->code == 0) return;
    findings_.push_back(
        {.id = "after-node",
         .level = Level::warn,
         .where = node,
         .thing = "the command after the end (--after-node)",
         .seen = fmt::format("{} after {:.1f} s{}", ending_of(*event.ended), seconds,
                             event.lines.empty() ? "" : ", its last words: " + event.lines.back()),
         .next = "look whether that node is as it should be"});
}

} // namespace railhead
