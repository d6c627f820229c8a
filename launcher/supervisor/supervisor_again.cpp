// How a launch starts again after an end that was not the last.
#include "launcher/supervisor/progress.hpp"
#include "launcher/supervisor/requeue.hpp"
#include "launcher/supervisor/supervisor_class.hpp"
#include "slurm/srun_options.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace railhead {
namespace {
constexpr double last_call_s =
    15; // for the end and the requeue before the limit, which Slurm may see a bit late
} // namespace

Result<void> Supervisor::read_restarts() {
    auto on_loss = on_loss_from(spec_.settings.text(Key::launch_on_loss));
    if (!on_loss) return tl::unexpected(std::move(on_loss.error()));
    auto budgets = budgets_from(spec_.settings.text(Key::launch_restarts));
    if (!budgets) return tl::unexpected(std::move(budgets.error()));
    const auto progress_origin = spec_.settings.origin(Key::launch_progress).kind;
    if (progress_origin >= Origin::Kind::environment && spec_.settings.text(Key::launch_progress).empty())
        return fail(ErrorKind::usage,
                    {.id = "progress-option",
                     .thing = "--progress \"\"",
                     .seen = "names no file, and so would not end a crash loop",
                     .next = "name a file or folder that changes while work is done, or leave it out"});
    on_loss_ = *on_loss;
    const bool never_again = spec_.settings.text(Key::launch_restarts) == "0" &&
                             on_loss_.what == OnLoss::What::fail &&
                             spec_.settings.text(Key::launch_at_limit) != "requeue";
    if (progress_origin >= Origin::Kind::environment && never_again)
        console_.line(now(),
                      "--progress is looked at before another start, and there is none: give --restarts");
    const auto nodes = spec_.allocation.nodes().size();
    const auto most = on_loss_.what == OnLoss::What::spare ? nodes - 1 : nodes;
    if (static_cast<std::size_t>(on_loss_.nodes) > most)
        return fail(ErrorKind::usage, {.id = "restarts-option",
                                       .thing = "--on-loss " + on_loss_.text,
                                       .seen = fmt::format("needs more nodes than the job has ({})", nodes),
                                       .next = fmt::format("give {} at most, or ask for more nodes", most)});
    if (on_loss_.nodes > 0 && !spec_.environment.get("RAILHEAD_NO_KILL")) // Slurm does not tell
        console_.line(now(),
                      fmt::format("--on-loss {} works only in a job that was submitted with --no-kill (or "
                                  "--rail-on-loss), which Slurm does not tell of this one: it ends "
                                  "others when a node is lost",
                                  on_loss_.text));
    const bool at_limit = spec_.settings.text(Key::launch_at_limit) == "requeue";
    for (auto key : {Key::launch_on_loss, Key::launch_at_limit})
        if (key == Key::launch_on_loss ? on_loss_.what == OnLoss::What::requeue : at_limit)
            if (auto can = can_requeue(key); !can) return can;
    restarts_.emplace(std::move(*on_loss), std::move(*budgets), static_cast<int>(nodes));
    return {};
}

/// Error (usage): `key` asks for what Slurm will refuse. Of who has it in a file for all jobs that is only
/// said.
Result<void> Supervisor::can_requeue(Key key) {
    if (spec_.no_requeue.empty()) return {};
    const auto origin = spec_.settings.origin(key);
    Finding finding{.id = "no-requeue",
                    .thing = fmt::format("--{} requeue", key == Key::launch_on_loss ? "on-loss" : "at-limit"),
                    .seen = "cannot be done: " + spec_.no_requeue};
    if (origin.kind >= Origin::Kind::environment) return fail(ErrorKind::usage, finding);
    console_.line(now(), fmt::format("{} ({})", sentence(finding), origin.where));
    return {};
}

/// Empty: none is asked for, or it may have changed.
std::string Supervisor::progress() const {
    return progress_of(spec_.settings.text(Key::launch_progress), spec_.environment);
}

/// Agents that wait for a start that needs them.
std::vector<std::string> Supervisor::idle_peers() const {
    std::vector<std::string> idle;
    for (auto& [peer, hello] : muster_.hellos())
        if (!index_.contains(peer)) idle.push_back(peer);
    return idle;
}

std::optional<double> Supervisor::again(Outcome& outcome, int present) {
    if (!restarts_ || !muster_.complete() || spec_.dry_run == DryRun::yes) return std::nullopt;
    if (goes_back_at_limit()) return std::nullopt; // there it starts again
    const auto stuck = no_progress(spec_.settings.text(Key::launch_progress), progress_before_, progress());
    auto next = restarts_->after(outcome, present + static_cast<int>(idle_peers().size()), stuck);
    if (!next) return std::nullopt;
    terminal_.restore();
    phase("again");
    const bool port = !outcome.port_taken.empty();
    console_.line(now(),
                  fmt::format("{}; {}", port ? outcome.port_taken : outcome.cause.sentence, next->text));
    if (!port)
        for (auto& line : outcome.cause.log_tail) console_.line(now(), "  | " + line);
    return next->after_s;
}

void Supervisor::start_again() {
    auto before = std::move(*launch_);
    launch_.reset();
    for (auto& [peer, node] : index_)
        if (!before.present().contains(node)) muster_.give_up(peer);
    findings_before_.insert(findings_before_.end(), before.findings().begin(), before.findings().end());
    hooks_before_.insert(hooks_before_.end(), before.hooks().begin(), before.hooks().end());
    warning_ = Warning::due;
    if (restarts_->enough(static_cast<int>(muster_.hellos().size()))) return plan_and_launch();
    auto outcome = before.outcome();
    outcome.cause.sentence += "; meanwhile more nodes were lost than --on-loss " + on_loss_.text + " allows";
    fail_early(std::move(outcome));
}

/// Warns the program of the job's time limit, and where the job shall go back to the queue, ends it in time.
void Supervisor::watch_limit() {
    const auto before_s = spec_.settings.seconds(Key::launch_warn_before);
    if (before_s <= 0 || !launch_ || launch_->phase() != Launch::Phase::running || limit_.asking()) return;
    const auto left_s = limit_.left_s();
    if (warning_ == Warning::given) {
        const auto last_s = std::min(before_s / 2, launch_->plan().grace_s + last_call_s);
        if (!goes_back_at_limit() || !left_s || *left_s > last_s) return;
        auto outcome = outcome_of(ErrorKind::time_limit,
                                  fmt::format("the program ran on after the warning, and the job reaches its "
                                              "time limit in {:.0f} s",
                                              *left_s));
        return launch_->end(std::move(outcome), now());
    }
    if (!left_s && warning_ == Warning::asked) return; // there is none
    if (left_s && *left_s > before_s) {
        warning_ = Warning::due; // it was moved
        return;
    }
    if (warning_ == Warning::due) { // the limit may have been moved, or was never known
        warning_ = Warning::asked;
        return limit_.ask();
    }
    warning_ = Warning::given;
    const auto& signal = spec_.settings.text(Key::launch_warn_signal);
    console_.line(now(), fmt::format("the job reaches its time limit in {:.0f} s: the program is warned{}",
                                     *left_s, signal == "none" ? "" : " by SIG" + signal));
    const int number = signal == "USR1" ? SIGUSR1 : signal == "USR2" ? SIGUSR2 : 0;
    for (auto& [peer, node] : index_) server_->send(peer, Order{.type = Order::Type::warn, .number = number});
}

bool Supervisor::goes_back_at_limit() const {
    return warning_ == Warning::given && spec_.settings.text(Key::launch_at_limit) == "requeue";
}

void Supervisor::go_back_to_queue() {
    // 22.05 takes a job that ends in its grace time for one that failed. Later ones requeue or end it by
    // PreemptMode; and what is requeued before it ended is for 24.11 a preempted job once more, at its next
    // end.
    const bool preempted = is_22_05(spec_.slurm) && limit_.preempted_and_runs() &&
                           spec_.settings.text(Key::launch_at_limit) == "requeue";
    if (!launch_ || (launch_->ended_by_signal() && !preempted)) return;
    const auto& cause = launch_->outcome().cause;
    const bool lost = on_loss_.what == OnLoss::What::requeue && !cause.node.empty() &&
                      cause.kind == name_of(ErrorKind::node_lost);
    if (!lost && !preempted && !goes_back_at_limit()) return;
    const auto times = spec_.allocation.restart_count;
    const auto most = spec_.settings.integer(Key::launch_requeues);
    if (times >= most)
        return console_.line(
            now(), fmt::format("the job is not requeued: it was {} times already (--requeues)", times));
    console_.line(now(), fmt::format("the job goes back to the queue{} (requeue {} of {})",
                                     lost ? ", without " + cause.node : "", times + 1, most));
    auto without = lost ? std::vector{cause.node} : std::vector<std::string>();
    if (auto done = requeue(spec_.environment, spec_.allocation, without); !done)
        console_.line(now(), sentence(done.error()));
}

} // namespace railhead
