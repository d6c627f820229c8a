#include "launcher/json.hpp"
#include "launcher/supervisor/supervisor_class.hpp"

#include <fmt/core.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace railhead {

// Before anything runs: one sentence, the report where one was asked for, and the siblings do not wait.
int Supervisor::refuse(const Error& error) {
    early_ = outcome_of(error, spec_.allocation.nodes());
    console_.line(now(), early_->cause.sentence);
    if (spec_.output == Output::json) console_.report(report());
    if (can_write_file(spec_.settings.text(Key::launch_report))) write_report(Draft::no);
    release_siblings(spec_.allocation, spec_.environment);
    return early_->exit_code;
}

// Before there was a plan: agents that are here are told to leave, by the same path as at every other end.
void Supervisor::begin_without_plan() {
    Plan plan{.recipe = spec_.recipe};
    plan.grace_s = spec_.settings.seconds(Key::launch_grace);
    for (auto& [peer, hello] : muster_.hellos())
        plan.order.push_back({.name = hello.node, .address = {}, .component = hello.component, .leaf = {}});
    begin_launch(std::move(plan));
}

void Supervisor::fail_early(Outcome outcome) {
    if (!launch_) begin_without_plan();
    launch_->end(std::move(outcome), now());
    after();
}

namespace {

/// The time for srun to end by itself after the last agent has left, in which it prints what is on its way
/// and hears from each node; ended by us, it would ask slurmctld to cancel the step.
double patience_with_srun(const std::vector<Finding>& findings, std::size_t nodes) {
    constexpr double for_each_node_s = 0.02, most_s = 10;
    auto gone = [](const Finding& finding) { return finding.id == stepd_gone; };
    if (std::any_of(findings.begin(), findings.end(), gone)) return 0.3;
    return std::min(1 + for_each_node_s * static_cast<double>(nodes), most_s);
}

} // namespace

// After every event: the launch may be over. What Slurm will wait for we do not.
void Supervisor::after() {
    if (!launch_ || launch_->phase() < Launch::Phase::ending) return;
    const bool over = launch_->phase() == Launch::Phase::over;
    if (launch_->starts_again()) return over ? start_again() : void();
    headline();
    if (!over) return;
    bool held = !launch_->survivors().empty() || launch_->left_silent();
    if (!over_s_ || (!held && waits_for_reader())) over_s_ = now();
    bool ended =
        steps_->end(now() - *over_s_,
                    held ? 0 : patience_with_srun(launch_->findings(), spec_.allocation.nodes().size()));
    if (ended && !(launch_->ended_by_signal() && limit_.asking())) io_.stop();
}

// Our standard output is srun's, too, and its standard error goes through us: while one of them takes
// nothing, srun may hold what the program has printed.
bool Supervisor::waits_for_reader() {
    pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    bool taken = poll(&output, 1, 0) != 0 && !console_.is_full();
    if (hurried_ || launch_->ended_by_signal() || taken) {
        reader_awaited_.reset();
        return false;
    }
    if (!reader_awaited_) reader_awaited_ = Deadline::in(2);
    if (reader_awaited_->passed() && !std::exchange(reader_named_, true))
        console_.line(
            now(),
            launch_->phase() == Launch::Phase::over
                ? "the program has ended; waiting for the reader of its output"
                : "waiting for the reader of its output; the program goes on, and the logs of its ranks hold "
                  "what is not read");
    return true;
}

// While ranks that write to files run, too.
void Supervisor::look_for_reader() {
    if (launch_->phase() >= Launch::Phase::ending) return;
    if (std::ranges::any_of(launch_->plan().processes, [](auto& each) { return !each.console.empty(); }))
        waits_for_reader();
}

Report Supervisor::report() {
    auto result = early_ ? report_of(*early_, spec_.recipe, now())
                         : report_of(*launch_, {.allocation = spec_.allocation,
                                                .hellos = muster_.hellos(),
                                                .hello_s = muster_.times(),
                                                .phases = phases_,
                                                .ready_s = ready_s_,
                                                .whole_s = now()});
    result.job = spec_.allocation.job_id;
    result.attempt = spec_.allocation.restart_count;
    result.log_dir = logs_.path();
    if (restarts_) result.restarts = restarts_->causes();
    result.findings.insert(result.findings.begin(), findings_before_.begin(), findings_before_.end());
    result.hooks.insert(result.hooks.begin(), hooks_before_.begin(), hooks_before_.end());
    result.cause.log = logs_.path_of(result.cause.node, result.cause.log);
    for (auto& victim : result.victims) victim.log = logs_.path_of(victim.node, victim.log);
    if (logs_.problem()) result.findings.push_back(*logs_.problem());
    return result;
}

void Supervisor::write_report(Draft draft) {
    const auto& path = spec_.settings.text(Key::launch_report);
    if (path.empty()) return;
    if (auto written = write_file(path, json_text(to_json(report()), 2) + "\n", draft); !written)
        console_.line(now(), sentence(written.error()));
}

// Said and written as soon as the end is decided: at scancel and at the time limit Slurm ends the batch
// script, and us with it, before the nodes are clean.
void Supervisor::headline() {
    if (std::exchange(headline_said_, true)) return;
    steps_->ending();
    terminal_.restore();
    phase("end");
    for (auto& peer : idle_peers())
        server_->send(peer, Order{.type = Order::Type::leave,
                                  .text = launch_->end_text(),
                                  .seconds = launch_->plan().grace_s});
    if (launch_->outcome().exit_code == 0 && spec_.dry_run == DryRun::yes) return;
    if (spec_.looked && launch_->outcome().exit_code <= 1) return; // it has been told
    if (launch_->outcome().exit_code != 0) console_.line(now(), launch_->outcome().cause.sentence);
    write_report(Draft::yes);
    if (launch_->ended_by_signal()) limit_.ask();
}

// The end was said at once, for we may be killed at the next moment; and its cause was what we knew then.
void Supervisor::settle() {
    if (launch_ && launch_->settle() && headline_said_) {
        console_.line(now(), "by Slurm's word: " + launch_->outcome().cause.sentence);
        write_report(Draft::yes);
    }
    after();
}

int Supervisor::finish() {
    phase("done");
    phases_.pop_back();
    auto result = report();
    if (spec_.dry_run == DryRun::no && !spec_.looked) {
        console_.report(result);
        write_report(Draft::no);
    }
    server_->close();
    if (!muster_.complete() && steps_) steps_->remove_copies();
    if (!muster_.complete()) release_siblings(spec_.allocation, spec_.environment);
    go_back_to_queue();
    // Whoever does not read may end us now: nothing of the launch is left.
    if (!console_.is_read_within(1) || !terminal_.is_read_within(1)) signals_.clear();
    return result.exit_code;
}

} // namespace railhead
