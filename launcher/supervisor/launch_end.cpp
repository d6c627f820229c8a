// What ends a launch, and what is waited for until it is over.
#include "launcher/supervisor/launch.hpp"

#include "base/number.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <regex>
#include <utility>

namespace railhead {
namespace {

constexpr double answer_within_s = 1;    // for an agent to acknowledge that it shall leave
constexpr double step_ends_within_s = 1; // after the first word of an agent that was killed
constexpr double leave_slack_s = 5;      // beyond the grace, for agents to look for survivors
constexpr int log_bytes_back = 1 << 20;

bool says(const std::vector<std::string>& log, std::string_view words) {
    return std::ranges::any_of(log, [&](auto& line) { return line.find(words) != line.npos; });
}

/// "slurmstepd-node1: error: *** STEP 17.1 ON node1 CANCELLED AT 2026-11-28T02:33:29 ***"; with another
/// reason it goes on by DUE TO.
bool says_cancelled(const std::vector<std::string>& log) {
    return says(log, " CANCELLED AT ") && !says(log, " DUE TO ");
}

/// Then srun cancels the step by itself.
bool says_not_launched(const std::vector<std::string>& log) {
    return says(log, "Task launch for StepId=");
}

struct Left {
    int rank;
    std::string node;
};

/// "mpirun has exited due to process rank 1 with PID 0 on\nnode node1 exiting improperly. ...", broken
/// anywhere: Open MPI kills the others when a rank has ended with 0 without MPI_Finalize.
std::optional<Left> left_before_finalize(const std::vector<std::string>& log) {
    static const std::regex said(
        R"(^due to process rank (\d+) with PID \d+ on node (\S+) exiting improperly)");
    constexpr std::size_t longest = 400;
    const auto text = fmt::format("{}", fmt::join(log, " "));
    const auto begin = text.find("due to process rank ");
    if (begin == text.npos) return std::nullopt;
    std::smatch match;
    const auto part = text.substr(begin, longest);
    if (!std::regex_search(part, match, said)) return std::nullopt;
    return Left{whole_number<int>(match[1].str()).value_or(0), match[2].str()};
}

} // namespace

bool Launch::ranks_run() const {
    return std::ranges::any_of(processes_, [](auto& entry) {
        return entry.second.process->role == Role::rank && !entry.second.ended;
    });
}

/// Killed with all of its step: what Slurm does about a failure, and no failure of its own.
bool Launch::went_with_step(const Failed& failed) const {
    return processes_.at(failed.outcome.cause.process).ended->with_step;
}

/// Killed, which most often is another's doing: of mpirun, too, when a rank has left it.
bool Launch::tells_nothing(const Failed& failed) const {
    const auto& running = processes_.at(failed.outcome.cause.process);
    const int signal = running.ended->signal.value_or(0);
    return running.process->role == Role::rank && !running.ended->oom &&
           (signal == SIGKILL || signal == SIGTERM);
}

bool Launch::launcher_runs() const {
    return std::ranges::any_of(processes_, [](auto& entry) {
        return entry.second.process->role == Role::launcher && entry.second.ordered && !entry.second.ended;
    });
}

/// Whether the ends of others may yet tell more: of other ranks, and of what starts them when none of them
/// tells anything.
bool Launch::cause_comes() const {
    if (ranks_run()) return true;
    return launcher_runs() &&
           std::ranges::all_of(failed_, [this](auto& failed) { return tells_nothing(failed); });
}

/// Told to end, or killed with its task, not by us: mpirun does so, and goes on to the ranks on other nodes.
bool Launch::ended_by_launcher() const {
    return launcher_runs() && std::ranges::all_of(failed_, [this](auto& failed) {
               const auto& ended = processes_.at(failed.outcome.cause.process).ended;
               return tells_nothing(failed) && (ended->signal == SIGTERM || ended->with_step);
           });
}

/// What srun or mpirun tells of the ranks that were killed with it; null: nothing.
std::optional<Outcome> Launch::told_by(const Failed& launcher, const std::vector<Failed>& ranks) const {
    const auto& id = launcher.outcome.cause.process;
    const auto& running = processes_.at(id);
    const int code = running.ended->code.value_or(0);
    Outcome outcome{.exit_code = code, .cause = {.kind = "exit", .process = id}};
    // One whose agent was killed goes with it, and mpirun says the same of it.
    if (auto left = left_before_finalize(running.log);
        left && away_.empty() &&
        std::ranges::all_of(ranks, [this](auto& each) { return tells_nothing(each); })) {
        outcome.cause.rank = left->rank;
        outcome.cause.node = left->node;
        outcome.cause.sentence = fmt::format("rank {} on {} ended with exit code 0 before it called "
                                             "MPI_Finalize, and {} killed the others",
                                             left->rank, left->node, id);
        return outcome;
    }
    if (!std::ranges::all_of(ranks, [this](auto& each) { return went_with_step(each); })) return std::nullopt;
    if (says_not_launched(running.log)) return launcher.outcome;
    // Since Slurm 23.02 it is MPI_Abort's; of a step that was cancelled it is that of the signal.
    if (code > 0 && code != 128 + SIGKILL && code != 128 + SIGTERM) {
        outcome.cause.sentence = fmt::format("a rank called MPI_Abort or left before the others, and all "
                                             "ranks were killed: {} ended with exit code {}",
                                             id, code);
        return outcome;
    }
    if (!says_cancelled(running.log)) return std::nullopt;
    outcome =
        outcome_of(ErrorKind::cancelled, "the step of the ranks was cancelled, as scancel of that step does");
    outcome.cause.process = id;
    return outcome;
}

/// The cause first. A rank that fails takes others with it, on other nodes, of which we may hear sooner.
std::vector<Launch::Failed> Launch::in_order(std::vector<Failed> failed) const {
    auto of_ranks = [this](const Failed& each) {
        const auto& running = processes_.at(each.outcome.cause.process);
        return running.process->role != Role::launcher || running.ended->signal; // killed, it is the cause
    };
    const auto launchers = std::stable_partition(failed.begin(), failed.end(), of_ranks);
    if (launchers != failed.end()) {
        // Of mpirun and its daemons the former, with which they end.
        auto starts = *std::min_element(launchers, failed.end(), [](auto& one, auto& other) {
            return one.outcome.cause.process.size() < other.outcome.cause.process.size();
        });
        failed.erase(launchers, failed.end());
        if (failed.empty()) return {starts};
        if (auto told = told_by(starts, failed)) failed.push_back({0, std::move(*told)});
    }
    std::ranges::stable_sort(failed, {}, [this](const Failed& each) {
        return std::pair(each.at_s > 0 && went_with_step(each), each.at_s);
    });
    return failed;
}

void Launch::end_failed(double now) {
    for (auto& each : in_order(std::exchange(failed_, {}))) {
        if (away_.empty())
            end(std::move(each.outcome), now);
        else
            held_.push_back(std::move(each.outcome));
    }
}

void Launch::on_away(int node) {
    if (phase_ == Phase::starting || phase_ == Phase::running) away_.insert(node);
}

// One half of an agent may outlive a scancel of the step that kills all the others: then the step ends in a
// moment.
void Launch::on_agent_killed(int node, const Finding& finding, double now) {
    auto outcome = outcome_of(ErrorKind::node_lost, sentence(finding), node_name(node));
    if (phase_ >= Phase::ending) return end(std::move(outcome), now);
    away_.insert(node);
    if (killed_.empty()) killed_until_s_ = now + step_ends_within_s;
    killed_.push_back(std::move(outcome));
}

void Launch::on_back(int node, double now) {
    away_.erase(node);
    if (away_.empty()) end_held(now);
}

void Launch::end_held(double now) {
    for (auto& outcome : std::exchange(held_, {})) end(std::move(outcome), now);
}

void Launch::on_lost(int node, const std::string& why, double stood_still_s, double now) {
    if (phase_ == Phase::ending || phase_ == Phase::over) {
        if (stood_still_s > 0) return node_done(node, now); // it has ended its part
        findings_.push_back({.id = "agent-silent",
                             .level = Level::warn,
                             .where = node_name(node),
                             .thing = "the agent",
                             .seen = why,
                             .next = "look for processes of this job on the node"});
        return node_done(node, now);
    }
    present_.erase(node);
    const auto when = phase_ == Phase::starting ? "during bring-up" : "while the program ran";
    end(stood_still_s > 0 ? outcome_of_own_pause(stood_still_s) : outcome_of_loss(node_name(node), when, why),
        now);
}

void Launch::on_step_ended(int component, const std::string& words, const ChildStatus& srun, double now) {
    if (phase_ == Phase::over) return;
    // Without srun the agents live on, and hear us.
    if (srun.kind == ChildStatus::Kind::killed) return turn(outcome_of_step_end(srun, words), now);
    std::erase_if(present_, [&](int node) {
        return plan_.order[static_cast<std::size_t>(node)].component == component;
    });
    if (phase_ == Phase::ending && !again_at_s_) return check_over(now);
    killed_.clear();
    turn(outcome_of_step_end(srun, words), now);
}

// The agents were told to end: Slurm signals them too, and they leave by themselves.
void Launch::on_stopped(const Event& event, double now) {
    end_by_signal(std::atoi(event.value.c_str()), now);
}

void Launch::end_by_signal(int number, double now, std::string meanwhile) {
    if (told_) return; // what follows is the same end
    auto outcome = outcome_of_signal(number, sink_.sender ? sink_.sender() : Sender::unknown, meanwhile);
    if (phase_ < Phase::ending || again_at_s_) told_ = {number, std::move(meanwhile)};
    turn(std::move(outcome), now);
}

bool Launch::settle() {
    if (!told_) return false;
    auto outcome =
        outcome_of_signal(told_->signal, sink_.sender ? sink_.sender() : Sender::unknown, told_->meanwhile);
    if (outcome.cause.sentence == outcome_->cause.sentence) return false;
    outcome_ = std::move(outcome);
    return true;
}

/// Ctrl-C, of which a program with a terminal hears there and not from us.
bool Launch::interrupted(const Outcome& outcome) const {
    const auto found = processes_.find(outcome.cause.process);
    const bool there = found != processes_.end() && found->second.process->terminal;
    return passed_.contains(SIGINT) || (there && outcome.exit_code == 128 + SIGINT);
}

/// Whether it is what somebody has sent a signal for: any failure after Ctrl-C, and an end by a signal that
/// was passed on. That starts nothing again.
bool Launch::asked_for(const Outcome& outcome) const {
    return outcome.exit_code != 0 && (interrupted(outcome) || passed_.contains(outcome.exit_code - 128));
}

void Launch::mark_asked(Outcome& outcome) const {
    if (!asked_for(outcome) || outcome.cause.process.empty()) return;
    const auto by =
        interrupted(outcome) ? "Ctrl-C" : signal_name(outcome.exit_code - 128) + ", sent to railhead";
    outcome.cause.kind = name_of(ErrorKind::cancelled);
    outcome.cause.sentence = fmt::format("ended by {}: {}", by, outcome.cause.sentence);
}

void Launch::end(Outcome outcome, double now) {
    if (phase_ == Phase::ending || phase_ == Phase::over) {
        auto same = [&](const Cause& cause) { return cause.sentence == outcome.cause.sentence; };
        if (outcome_ && !same(outcome_->cause) && std::ranges::none_of(victims_, same))
            victims_.push_back(std::move(outcome.cause));
        return;
    }
    phase_ = Phase::ending;
    mark_asked(outcome);
    outcome_ = std::move(outcome);
    ended_s_ = now;
    end_by_s_ = now + plan_.grace_s + leave_slack_s + (plan_.after.empty() ? 0 : after_node_within_s);
    if (auto after_s = sink_.again && !asked_for(*outcome_)
                           ? sink_.again(*outcome_, static_cast<int>(present_.size()))
                           : std::nullopt)
        again_at_s_ = now + *after_s;
    dismiss();
    end_held(now); // as victims
    for (auto& each : std::exchange(failed_, {})) end(std::move(each.outcome), now);
    check_over(now);
}

void Launch::dismiss() {
    const auto type = again_at_s_ ? Order::Type::clear : Order::Type::leave;
    const int back = outcome_->exit_code == 0 ? 0 : log_bytes_back;
    for (int node : present_)
        sink_.send(node, Order{.type = type, .number = back, .text = end_text(), .seconds = plan_.grace_s});
}

/// Ends the launch for good, also when it was about to start again.
void Launch::turn(Outcome outcome, double now) {
    if (!again_at_s_ || phase_ != Phase::ending) return end(std::move(outcome), now);
    again_at_s_.reset();
    if (outcome.cause.sentence != outcome_->cause.sentence) {
        victims_.insert(victims_.begin(), outcome_->cause);
        outcome_ = std::move(outcome);
    }
    ended_s_ = now;
    end_by_s_ = now + plan_.grace_s + leave_slack_s + (plan_.after.empty() ? 0 : after_node_within_s);
    dismiss();
    check_over(now);
}

void Launch::check_over(double now) {
    if (phase_ != Phase::ending) return;
    if (present_.empty()) again_at_s_.reset();
    const auto all_cleared = std::ranges::includes(cleared_, present_);
    if (again_at_s_ ? all_cleared && now >= *again_at_s_ : present_.empty()) phase_ = Phase::over;
}

void Launch::node_done(int node, double now) {
    present_.erase(node);
    check_over(now);
}

/// Who has said nothing since it was told to leave is not waited for beyond the grace.
void Launch::leave_silent(double now) {
    bool late = now > end_by_s_;
    if (!late && now < ended_s_ + std::max(plan_.grace_s, answer_within_s)) return;
    for (int node : std::set(present_)) {
        if (cleared_.contains(node) || (!late && !(sink_.silent_s && sink_.silent_s(node) > now - ended_s_)))
            continue;
        findings_.push_back(
            {.id = "agent-silent",
             .level = Level::warn,
             .where = node_name(node),
             .thing = "the agent",
             .seen = "did not say that it left",
             .next = "it cleans up when the node goes on; look for processes of this job there"});
        left_silent_ = true;
        node_done(node, now);
    }
}

} // namespace railhead
