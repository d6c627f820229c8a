#include "launcher/supervisor/launch.hpp"

#include "launcher/json.hpp"
#include "launcher/signals.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace railhead {
namespace {

constexpr double tail_within_s = 1;    // for the log of what is missing, at a time-out
constexpr double launched_slack_s = 5; ///< for the word of ranks that began shortly before srun's end
constexpr double rank_told_within_s =
    0.5; // after the first word of a failed rank: others may have failed before it
constexpr double step_ends_slack_s = 2; // beyond it, for srun, when all ranks have gone
constexpr double all_gone_slack_s = 4;  // beyond it, once no node's agent is there: the step's end is due

} // namespace

Launch::Launch(Plan plan, Sink sink, Explain explain)
    : plan_(std::move(plan)), sink_(std::move(sink)), explain_(std::move(explain)), values_(plan_) {
    for (auto& process : plan_.processes) processes_[process.id].process = &process;
    for (auto& process : plan_.before) processes_[process.id] = {.process = &process, .before = true};
    before_is_up_ = plan_.before.empty();
    for (std::size_t i = 0; i < plan_.order.size(); ++i) present_.insert(static_cast<int>(i));
}

void Launch::begin(double now) {
    send_after();
    for (auto& port : plan_.ports)
        sink_.send(port.node, Order{.type = Order::Type::reserve,
                                    .id = port.name,
                                    .line = port.owner,
                                    .text = plan_.port_range});
    start_what_can(now);
    check_ready(now);
}

bool Launch::reached(const std::vector<std::string>& milestones) const {
    return std::ranges::all_of(milestones, [this](auto& name) { return values_.contains(name); });
}

bool Launch::can_start(const Running& running) const {
    return !running.ordered && (running.before || before_is_up_) && reached(running.process->start_when);
}

void Launch::start_what_can(double) {
    if (phase_ != Phase::starting && phase_ != Phase::running) return;
    for (auto& [id, running] : processes_) {
        if (can_start(running)) {
            auto process = values_.filled(*running.process);
            if (!process) continue;
            running.ordered = true;
            sink_.send(process->node, Order{.type = Order::Type::start,
                                            .id = id,
                                            .process = *process,
                                            .number = process->terminal ? window_ : 0});
        }
        auto& release = running.process->release;
        if (!release || !running.ordered || running.released || !reached(release->when)) continue;
        if (auto line = values_.filled(release->line)) {
            running.released = true;
            sink_.send(running.process->node, Order{.type = Order::Type::release, .id = id, .line = *line});
        }
    }
}

void Launch::on_event(int node, const Event& event, double now) {
    switch (event.type) {
    case Event::Type::bound:
        values_.set("port." + event.id, event.value);
        return start_what_can(now);
    case Event::Type::started:
        on_after(event, now);
        if (auto found = processes_.find(event.id); found != processes_.end()) {
            found->second.started_s = now;
            if (found->second.process->role == Role::driver)
                sink_.say(fmt::format("driver started on {}", node_name(node)));
        }
        return;
    case Event::Type::taken:   // InputRelay's
    case Event::Type::reached: // Look's
        return;
    case Event::Type::milestone:
        return on_milestone(event, now);
    case Event::Type::exited:
        return on_exited(event, now);
    case Event::Type::published:
        return on_published();
    case Event::Type::log_tail:
        if (auto found = processes_.find(event.id); found != processes_.end()) {
            found->second.log = event.lines;
            found->second.missing = event.value;
        }
        return;
    case Event::Type::log_back:
        if (sink_.log_back) sink_.log_back(node, event);
        return;
    case Event::Type::survivor:
        if (event.finding) survivors_.push_back(*event.finding);
        if (again_at_s_) turn(*outcome_, now); // not beside what cannot be killed
        return;
    case Event::Type::finding:
        if (!event.finding) return;
        if (event.finding->level != Level::fail &&
            !(event.finding->id == no_room && phase_ == Phase::starting)) {
            if (phase_ < Phase::ending) sink_.say(sentence(*event.finding));
            return findings_.push_back(*event.finding);
        }
        if (event.finding->id == "agent-killed") return on_agent_killed(node, *event.finding, now);
        return on_failed_finding(node, event, now);
    case Event::Type::stopped:
        return on_stopped(event, now);
    case Event::Type::cleared:
        cleared_.insert(node);
        return check_over(now);
    case Event::Type::bye:
        return node_done(node, now);
    }
}

/// Of a process that did not start its end is told, too, and is no failure of its own.
void Launch::on_failed_finding(int node, const Event& event, double now) {
    auto outcome =
        outcome_of(ErrorKind::bringup_failed, sentence(*event.finding), node_name(node), event.lines);
    if (processes_.contains(event.id)) outcome.cause.process = event.id;
    end(std::move(outcome), now);
}

void Launch::on_milestone(const Event& event, double now) {
    auto found = processes_.find(event.id);
    if (found == processes_.end()) return;
    found->second.reached[event.name] = event.value;
    values_.set(event.id + "." + event.name, event.value);
    look_at_before();
    check_ready(now); // "ready" comes before the driver, where that waits for the last milestone
    start_what_can(now);
    check_ready(now);
}

bool Launch::up(const Running& running) const {
    if (running.process->role == Role::driver) return true;
    return running.ordered && running.reached.size() >= running.process->milestones.size();
}

void Launch::check_ready(double now) {
    std::map<int, bool> node_up;
    bool all = true;
    for (auto& [id, running] : processes_) {
        auto& state = node_up.try_emplace(running.process->node, true).first->second;
        state = state && up(running);
        all = all && up(running);
    }
    for (auto [node, is_up] : node_up)
        if (is_up) node_ready_.try_emplace(node, now);
    if (all && phase_ == Phase::starting && !std::exchange(publishing_, true)) publish();
}

// What `railhead attach` needs, on the head node, which says when it is there; and what the user should know.
void Launch::publish() {
    nlohmann::json env = nlohmann::json::object();
    for (auto& [name, value] : plan_.attach_env) env[name] = values_.filled(value).value_or(value);
    for (auto& note : plan_.notes) note = values_.filled(note).value_or(note);
    if (env.empty()) return on_published();
    sink_.send(0, Order{.type = Order::Type::publish, .text = json_text({{"v", 1}, {"env", env}})});
}

void Launch::on_published() {
    if (phase_ != Phase::starting) return;
    phase_ = Phase::running;
    sink_.ready();
}

void Launch::on_exited(const Event& event, double now) {
    auto found = processes_.find(event.id);
    if (found == processes_.end() || !event.ended) return on_after(event, now);
    auto& running = found->second;
    running.ended = event.ended;
    running.ended_at_s = event.at_s;
    if (!event.lines.empty()) running.log = event.lines;
    running.log_id = event.name;
    running.before ? on_before_ended(running, now) : on_ended_running(running, now);
}

/// Between the agent's word that it has the port and the owner's bind another program may take it.
bool Launch::lost_its_port(const Running& running) const {
    bool owner = std::ranges::any_of(
        plan_.ports, [&](auto& port) { return !port.owner.empty() && port.owner == running.process->id; });
    if (!owner || running.ended->rank || running.ended->code == 0) return false;
    return std::ranges::any_of(running.log, [](auto& line) {
        return line.find("EADDRINUSE") != line.npos || line.find("ddress already in use") != line.npos;
    });
}

void Launch::on_ended_running(Running& running, double now) {
    const auto& process = *running.process;
    const auto& node = node_name(process.node);
    bool good = running.ended->code == 0 && !running.ended->oom;
    if (process.role == Role::launcher && good && phase_ == Phase::starting && !launched_)
        launched_ = {now + launched_slack_s, process.id};
    if ((process.role == Role::hook || process.role == Role::launcher) && good) return;
    if (phase_ == Phase::ending || phase_ == Phase::over) {
        // Services end because we stop them; a user's program that failed after the headline is a victim.
        bool users = process.role == Role::driver || process.role == Role::rank;
        bool said = outcome_ && outcome_->cause.process == process.id;
        if (users && !good && !said)
            victims_.push_back(outcome_of(process, node, *running.ended, running.log, explain_).cause);
        return;
    }
    if (lost_its_port(running)) {
        auto outcome = outcome_of(process, node, *running.ended, running.log, explain_);
        for (auto& port : plan_.ports)
            if (port.owner == process.id)
                outcome.port_taken =
                    fmt::format("port {} of {} was taken by another program before {} had it",
                                values_.get("port." + port.name), node, spoken(process.id));
        failed_.clear(); // of the same cause
        return end(std::move(outcome), now);
    }
    if (process.role == Role::rank && good) {
        if (ranks_run()) return;
        if (!failed_.empty()) return cause_comes() ? void() : end_failed(now);
        auto outcome = outcome_of(process, node, *running.ended, running.log, explain_);
        outcome.cause.sentence = "every rank ended with exit code 0";
        return end(outcome, now);
    }
    auto outcome = outcome_of(process, node, *running.ended, running.log, explain_);
    if (phase_ == Phase::starting && outcome.cause.kind == name_of(ErrorKind::service_died)) {
        outcome.exit_code = exit_code(ErrorKind::bringup_failed);
        outcome.cause.kind = name_of(ErrorKind::bringup_failed);
    }
    if (process.role == Role::rank || process.role == Role::launcher) {
        if (failed_.empty()) failed_until_s_ = now + rank_told_within_s;
        failed_.push_back({running.ended_at_s, std::move(outcome)});
        return cause_comes() ? void() : end_failed(now);
    }
    // A program may fail of a lost node before we know that it is lost: then that is the cause.
    if (!good && !away_.empty()) {
        held_.push_back(std::move(outcome));
        return;
    }
    end(std::move(outcome), now);
}

void Launch::on_signal(int number, double now) {
    if (is_for_program(number) || (number == SIGINT && !plan_.keep && !passed_.contains(number))) {
        passed_.insert(number);
        for (auto& [id, running] : processes_)
            if (is_users(running.process->role) && running.ordered && !running.ended)
                sink_.send(running.process->node,
                           Order{.type = Order::Type::signal, .id = id, .number = number});
        if (number != SIGINT || phase_ == Phase::running) return;
    }
    if (number == SIGINT && plan_.keep && phase_ == Phase::running) {
        Outcome outcome;
        outcome.cause.sentence = "ended by Ctrl-C";
        return end(outcome, now);
    }
    end_by_signal(number, now);
}

void Launch::resize(int window) {
    window_ = window;
    for (auto& [id, running] : processes_)
        if (running.process->terminal && running.ordered && window > 0)
            sink_.send(running.process->node, Order{.type = Order::Type::window, .id = id, .number = window});
}

/// A hook that nobody has released: what it waits for is missing, not it.
bool Launch::waits_for_others(const Running& running) {
    return running.process->role == Role::hook && running.process->release && !running.released;
}

std::vector<std::string> Launch::missing() const {
    std::vector<std::string> names;
    for (auto& [id, running] : processes_) {
        if (up(running) || waits_for_others(running)) continue;
        std::vector<std::string> milestones;
        if (!running.missing.empty()) milestones.push_back(running.missing);
        for (auto& milestone : running.process->milestones)
            if (running.missing.empty() && !running.reached.contains(milestone.name))
                milestones.push_back(milestone.name);
        names.push_back(
            fmt::format("{} on {} ({})", spoken(id), node_name(running.process->node),
                        running.ordered ? fmt::format("{}", fmt::join(milestones, ", ")) : "not started"));
    }
    if (publishing_ && names.empty()) names.push_back(fmt::format("agent on {} (published)", node_name(0)));
    return names;
}

/// 22.05's srun ends with 0 when the ranks that it could start have, and has said why others could not.
void Launch::end_launched(double now) {
    end(outcome_of(
            ErrorKind::bringup_failed,
            fmt::format("{} ended with exit code 0 and has not started all ranks: still missing {}; what "
                        "it said before tells why",
                        spoken(launched_->second), fmt::join(missing(), ", ")),
            ""),
        now);
}

void Launch::time_out(double now) {
    if (auto outcome = late_before(now)) return end(std::move(*outcome), now);
    std::vector<std::string> log;
    std::string node = publishing_ ? node_name(0) : "";
    for (auto& [id, running] : processes_) {
        if (up(running) || !running.ordered || waits_for_others(running)) continue;
        node = node_name(running.process->node);
        log = running.log;
        break;
    }
    end(outcome_of(ErrorKind::bringup_timeout,
                   fmt::format("bring-up did not end within {:.0f} s: still missing {}; raise "
                               "--bringup-timeout if the nodes are slow",
                               plan_.bringup_timeout_s, fmt::join(missing(), ", ")),
                   node, log),
        now);
}

void Launch::on_tick(double now) {
    if (phase_ == Phase::ending) leave_silent(now);
    if (!failed_.empty() &&
        now > failed_until_s_ + (ranks_run() && !ended_by_launcher() ? 0 : step_ends_slack_s))
        end_failed(now);
    check_over(now);
    bool all_gone =
        plan_.order.size() > 1 && std::includes(away_.begin(), away_.end(), present_.begin(), present_.end());
    if (!killed_.empty() && now > killed_until_s_ + (all_gone ? all_gone_slack_s : 0))
        for (auto& outcome : std::exchange(killed_, {})) end(std::move(outcome), now);
    if (phase_ == Phase::starting && launched_ && now > launched_->first) return end_launched(now);
    if (phase_ != Phase::starting || now < plan_.bringup_timeout_s) return;
    if (!std::exchange(timed_out_, true)) {
        tail_by_s_ = now + tail_within_s;
        for (auto& [id, running] : processes_)
            if (running.ordered && !up(running))
                sink_.send(running.process->node, Order{.type = Order::Type::tail, .id = id, .number = 20});
    } else if (now > tail_by_s_) {
        time_out(now);
    }
}

} // namespace railhead
