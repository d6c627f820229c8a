#include "launcher/agent/processes.hpp"

#include "base/clock.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/logs.hpp"
#include "launcher/agent/milestones.hpp"
#include "launcher/agent/placeholders.hpp"
#include "launcher/agent/reaper.hpp"
#include "launcher/agent/task.hpp"
#include "launcher/signals.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace railhead {
namespace {

constexpr double oom_sample_s = 2;
constexpr int tail_with_failure = 40;
// For the console to take a program's last lines. One that succeeded has nothing urgent to tell.
constexpr double console_patience_s = 30, console_patience_after_failure_s = 2;
constexpr double console_patience_at_end_s = 2;

/// Where this program is, also after another one has taken its place.
std::string own_program() {
    std::error_code error;
    auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? "railhead" : path.string();
}

Ended ended_from(const ChildStatus& status) {
    Ended ended;
    (status.kind == ChildStatus::Kind::exited ? ended.code : ended.signal) = status.value;
    return ended;
}

} // namespace

/// One process of the plan, from its order to the agent's end.
struct Processes::Running {
    Process plan;               ///< placeholders filled
    std::string log, error_log; ///< paths
    ChildSpec spec;
    UniqueFd log_file, error_file;

    std::vector<std::string> tail(int lines, std::size_t max_bytes = 16 * 1024) const {
        auto all = tail_of(log, lines, max_bytes);
        auto errors = tail_of(error_log, lines, max_bytes);
        all.insert(all.end(), errors.begin(), errors.end());
        return all;
    }
    std::optional<Child> child;
    std::optional<ChildStatus> status;
    double started_s = monotonic_s();
    std::unique_ptr<Milestones> milestones;
    std::unique_ptr<TerminalPump> terminal;
    Pty pty;
    std::string unwritten; ///< of its standard input
    Loop::Handle writable;
};

Processes::Processes(ProcessesContext context)
    : context_(std::move(context)), console_(context_.loop, context_.files),
      cgroup_(memory_cgroup_of_self()) {
    sample_oom();
}

Processes::~Processes() = default;

void Processes::sample_oom() {
    auto kills = cgroup_ ? oom_kills(*cgroup_) : std::nullopt;
    if (!kills) return;
    oom_.sample(*kills, monotonic_s());
    if (oom_told_ == 0) tell_oom();
    oom_timer_ = context_.loop.after(oom_sample_s, [this] { sample_oom(); });
}

void Processes::tell_oom() {
    if (oom_.all() == oom_told_) return;
    oom_told_ = oom_.all();
    Finding finding{.id = "oom-kill",
                    .level = Level::warn,
                    .where = context_.node,
                    .thing = "the kernel's out-of-memory killer",
                    .seen = fmt::format("killed {} {} of this step", oom_.all(),
                                        oom_.all() == 1 ? "process" : "processes"),
                    .next = "ask for more memory (--mem, --mem-per-gpu) or use less"};
    context_.send({.type = Event::Type::finding, .finding = std::move(finding)});
}

Processes::Running* Processes::find(const std::string& id, const char* order) {
    auto found = running_.find(id);
    if (found != running_.end()) return found->second.get();
    context_.send({.type = Event::Type::finding,
                   .id = id,
                   .finding = Finding{.id = "order-unknown",
                                      .level = Level::warn,
                                      .where = context_.node,
                                      .thing = "the order to " + std::string(order) + " " + spoken(id),
                                      .seen = "names no process that was started here"}});
    return nullptr;
}

void Processes::refuse(const Process& process, Error error) {
    const int code = code_of_no_start(error);
    auto finding = std::move(error).within(spoken(process.id)).within(context_.node).finding;
    context_.send({.type = Event::Type::finding, .id = process.id, .finding = finding});
    context_.send({.type = Event::Type::exited, .id = process.id, .ended = Ended{.code = code}});
}

Result<std::unique_ptr<Processes::Running>> Processes::prepare(const Process& process) {
    if (context_.dir.empty())
        return fail(
            ErrorKind::bringup_failed,
            {.id = "no-directory", .thing = "it", .seen = "cannot start without the launch's directory"});
    std::map<std::string, std::string> values{{"dir", context_.dir}, {"railhead", own_program()}};
    for (auto& [name, content] : process.secret_files) {
        auto path = context_.dir + "/" + file_name_of(process.id) + "." + file_name_of(name);
        unlink(path.c_str()); // of an earlier start of the same process
        if (auto written = write_private(path, content); !written) return tl::unexpected(written.error());
        values["file." + name] = path;
    }
    auto plan = filled(process, values);
    if (!plan) return tl::unexpected(plan.error());
    auto running = std::make_unique<Running>();
    running->plan = std::move(*plan);
    running->plan.secret_files.clear();
    running->log = log_path(context_.dir, process.log);
    running->error_log = log_path(context_.dir, process.error_log);
    if (auto& file = running->plan.reason_file; !file.empty()) unlink(file.c_str()); // of an earlier start
    auto added = running->plan.env;
    added[launch_mark] = context_.launch;
    added[process_mark] = process.id;
    auto& spec = running->spec;
    spec.argv = running->plan.argv;
    spec.env = environment_for(context_.environment.all(), running->plan.unset, added);
    spec.cwd = running->plan.cwd;
    // Services need not see the user's folder; what is the user's own does not start elsewhere unnoticed.
    bool users = process.role == Role::driver || process.role == Role::rank;
    if (spec.cwd.empty()) spec.cwd = users || is_folder(context_.cwd) ? context_.cwd : context_.dir;
    spec.group = ChildSpec::Group::own_session;
    spec.death_signal = SIGKILL; // when this agent is killed; its watcher kills what they leave
    return running;
}

Result<void> Processes::execute(Running& running, int window) {
    auto& spec = running.spec;
    if (!running.log.empty()) {
        auto opened = open_log(running.log);
        if (!opened) return tl::unexpected(std::move(opened.error()));
        running.log_file = std::move(*opened);
        spec.stdout_fd = spec.stderr_fd = running.log_file.get();
    }
    if (!running.error_log.empty()) {
        auto opened = open_log(running.error_log);
        if (!opened) return tl::unexpected(std::move(opened.error()));
        running.error_file = std::move(*opened);
        spec.stderr_fd = running.error_file.get();
    }
    for (const auto& rank : running.plan.rank_logs)
        for (const char* kind : {".out", ".err"})
            if (auto made = open_log(log_path(context_.dir, rank.name + kind)); !made)
                return tl::unexpected(std::move(made.error()));
    if (running.plan.release || running.plan.input) spec.input = ChildSpec::Input::pipe;
    if (running.plan.terminal) {
        auto pty = open_pty();
        if (!pty) return tl::unexpected(pty.error());
        running.pty = std::move(*pty);
        if (window > 0) set_window(running.pty.master.get(), window >> 16, window & 0xffff);
        spec.input = ChildSpec::Input::fd;
        spec.stdin_fd = spec.stdout_fd = spec.stderr_fd = running.pty.slave.get();
        spec.controlling_terminal = true;
    }
    auto child = Child::start(spec);
    if (!child) return tl::unexpected(child.error());
    running.child = std::move(*child);
    if (running.plan.input) fcntl(running.child->input().get(), F_SETFL, O_WRONLY | O_NONBLOCK);
    running.log_file.reset();
    running.error_file.reset();
    running.pty.slave.reset();
    return {};
}

void Processes::start(const Process& process, int window) {
    auto running = prepare(process);
    if (!running) return refuse(process, running.error());
    if (auto before = running_.find(process.id); before != running_.end() && !before->second->status)
        return refuse(process,
                      Error{.finding = {.id = "started-twice", .thing = "it", .seen = "runs already"}});
    if (auto shut = gates_are_shut((*running)->plan); !shut) return refuse(process, shut.error());
    auto& slot = running_[process.id];
    if (slot && slot->terminal) past_terminals_.push_back(std::move(slot->terminal));
    slot = std::move(*running);
    watch(*slot);
    if (auto done = execute(*slot, window); !done) {
        running_.erase(process.id);
        return refuse(process, done.error());
    }
    begin(*slot);
}

void Processes::watch(Running& running) {
    const auto& id = running.plan.id;
    Milestones::Handlers handlers;
    handlers.reached = [this, id](const Milestone& milestone, const std::string& value) {
        context_.send({.type = Event::Type::milestone, .id = id, .name = milestone.name, .value = value});
    };
    handlers.late = [this, id, log = running.log](const Milestone& milestone, Finding finding) {
        finding.where = context_.node;
        context_.send({.type = Event::Type::finding,
                       .id = id,
                       .name = milestone.name,
                       .finding = std::move(finding),
                       .lines = tail_of(log, tail_with_failure)});
    };
    running.milestones = std::make_unique<Milestones>(context_.loop, context_.files, running.plan,
                                                      context_.dir, running.log, handlers);
}

void Processes::begin(Running& running) {
    const auto& id = running.plan.id;
    context_.send({.type = Event::Type::started, .id = id, .value = std::to_string(running.child->pid())});
    running.milestones->begin();
    follow(running);
    if (running.pty.master && context_.relay_terminal)
        running.terminal = context_.relay_terminal(id, std::move(running.pty.master));
}

void Processes::follow(const Running& running) {
    const auto& plan = running.plan;
    const bool shown = is_users(plan.role) || plan.role == Role::launcher;
    if (shown && !running.log.empty())
        console_.follow(plan.id, running.log, plan.console, ConsoleTail::Stream::output);
    if (shown && !running.error_log.empty())
        console_.follow(plan.id, running.error_log, plan.console, ConsoleTail::Stream::error);
    for (const auto& [name, console] : plan.rank_logs) {
        console_.follow(plan.id, log_path(context_.dir, name + ".out"), console, ConsoleTail::Stream::output);
        console_.follow(plan.id, log_path(context_.dir, name + ".err"), console, ConsoleTail::Stream::error);
    }
}

void Processes::reaped(pid_t pid, ChildStatus status) {
    for (auto& [id, running] : running_)
        if (running->child && running->child->pid() == pid && !running->status)
            return ended(*running, status);
}

void Processes::ended(Running& running, ChildStatus status) {
    running.status = status;
    running.child->reaped(status);
    running.writable.cancel();
    running.child->input().reset();
    if (running.terminal) running.terminal->ended();
    running.milestones->ended(status);
    Event event{.type = Event::Type::exited, .id = running.plan.id, .ended = ended_from(status)};
    event.at_s = wall_s();
    if (!status.success()) {
        auto task = first_failed_task(context_.dir, running.plan.id);
        if (task) {
            event.ended = task->ended;
            event.at_s = task->at_s;
        }
        sample_oom();
        event.ended->oom = oom_.explains_failure(monotonic_s()) || event.ended->oom;
        if (auto ago_s = oom_.last_ago_s(running.started_s, monotonic_s()); ago_s && !event.ended->oom)
            event.ended->oom_ago_s = *ago_s;
        event.lines = task ? tail_of(task->log, tail_with_failure) : own_reason(running.plan.reason_file);
        if (event.lines.empty() && !task) event.lines = running.tail(tail_with_failure);
        auto log = task ? task->log : is_empty(running.error_log) ? running.log : running.error_log;
        event.name = id_of_log(context_.dir, log);
        for (const auto& path : {log, running.log, running.error_log})
            failed_logs_.push_back(id_of_log(context_.dir, path));
    }
    tell_end(std::move(event), status.success() ? console_patience_s : console_patience_after_failure_s);
}

/// Once its last lines are on the console: whoever reads of an end has read what came before.
void Processes::tell_end(Event event, double patience_s) {
    auto id = event.id;
    const auto after = event.ended->rank ? ConsoleTail::Then::go_on : ConsoleTail::Then::forget;
    auto tell = [this, event = std::move(event)](std::uint64_t lost) {
        tell_lost(event.id, lost);
        context_.send(event);
    };
    console_.ended(id, patience_s, std::move(tell), after);
}

void Processes::tell_lost(const std::string& id, std::uint64_t bytes) {
    if (bytes == 0) return;
    output_lost_ = true;
    context_.send({.type = Event::Type::finding, .finding = lost_output(context_.node, id, bytes)});
}

void Processes::release(const std::string& id, const std::string& line) {
    auto* running = find(id, "release");
    if (!running || !running->child->input()) return;
    auto text = fill(line, {{"dir", context_.dir}}).value_or(line) + "\n";
    // A line is shorter than a pipe's buffer, and nothing was written before: this does not block. When the
    // process is gone the write fails, and its end is told anyway.
    [[maybe_unused]] auto written = write(running->child->input().get(), text.data(), text.size());
    running->child->input().reset();
}

void Processes::input(const std::string& id, const std::vector<std::uint8_t>& bytes) {
    auto* running = find(id, "read");
    if (!running) return;
    if (bytes.empty()) return running->child->input().reset();
    running->unwritten.assign(bytes.begin(), bytes.end());
    write_input(*running);
}

void Processes::write_input(Running& running) {
    running.writable.cancel();
    auto& pipe = running.child->input();
    while (pipe && !running.unwritten.empty()) {
        auto written = write(pipe.get(), running.unwritten.data(), running.unwritten.size());
        if (written < 0 && errno == EAGAIN) {
            running.writable =
                context_.loop.when_writable(pipe.get(), [this, &running] { write_input(running); });
            return;
        }
        if (written < 0)
            pipe.reset(); // it reads no more: the rest is of no use
        else
            running.unwritten.erase(0, static_cast<std::size_t>(written));
    }
    running.unwritten.clear();
    context_.send({.type = Event::Type::taken, .id = running.plan.id});
}

/// torchrun would end by what is meant for its ranks, and does not pass it on.
void Processes::signal_program(Running& running, int number) {
    if (!running.plan.starts_tasks || !is_for_program(number))
        return (void)running.child->signal_group(number);
    std::map<pid_t, pid_t> parents;
    auto tree = tree_of(running.child->pid(), running.plan.id);
    for (const auto& entry : tree) parents[entry.pid] = entry.ppid;
    for (const auto& entry : tree) // a child of `railhead task`, which is torchrun's
        if (auto task = parents.find(entry.ppid);
            task != parents.end() && task->second == running.child->pid())
            signal_process(entry, number);
}

void Processes::signal(const std::string& id, int number) {
    auto* running = find(id, "signal");
    if (running && !running->status) signal_program(*running, number);
}

void Processes::signal_users(int number) {
    for (auto& [id, running] : running_)
        if (!running->status && is_users(running->plan.role)) signal_program(*running, number);
}

void Processes::end_console() {
    console_.hurry(console_patience_at_end_s); // counted anew: what was killed at last has just written
    console_.last([this](const std::string& id, std::uint64_t lost) { tell_lost(id, lost); });
}

bool Processes::runs(const std::string& id) const {
    auto found = running_.find(id);
    return found != running_.end() && !found->second->status;
}

void Processes::stop_all() {
    console_.hurry(console_patience_at_end_s);
    std::map<pid_t, int> signals;
    auto everyone = living_descendants();
    for (auto& entry : everyone) signals[entry.pid] = SIGTERM;
    for (auto& [id, running] : running_) {
        auto leader = running->child->pid();
        const auto& stop = running->plan.stop;
        for (auto& entry : tree_of(leader, id))
            signals[entry.pid] = stop.whole_tree || running->status || entry.pid == leader ? stop.signal : 0;
    }
    for (auto& entry : everyone)
        if (signals[entry.pid] != 0) signal_process(entry, signals[entry.pid]);
}

void Processes::tail(const std::string& id, int lines) {
    auto* running = find(id, "tail");
    if (!running) return;
    context_.send({.type = Event::Type::log_tail,
                   .id = id,
                   .value = running->milestones ? running->milestones->missing() : "",
                   .lines = running->tail(lines, 16 * 1024)});
}

void Processes::window(const std::string& id, int rows, int columns) {
    auto* running = find(id, "resize");
    if (running && running->terminal) running->terminal->window(rows, columns);
}

} // namespace railhead
