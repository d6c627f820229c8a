#include "launcher/agent/worker.hpp"

#include "base/clock.hpp"
#include "launcher/agent/attach_env.hpp"
#include "launcher/agent/batch_host.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/hello.hpp"
#include "launcher/agent/leaving.hpp"
#include "launcher/agent/loop.hpp"
#include "launcher/agent/ports.hpp"
#include "launcher/agent/processes.hpp"
#include "launcher/agent/proctable.hpp"
#include "launcher/agent/reach.hpp"
#include "launcher/agent/room.hpp"
#include "launcher/channel/client.hpp"
#include "launcher/signals.hpp"

#include <fmt/core.h>

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>

namespace railhead {
namespace {

constexpr double look_every_s = 0.05;    ///< whether all have ended, while leaving
constexpr double reach_within_s = 3;     ///< all others together; nothing else is done meanwhile
constexpr double finish_within_s = 1;    ///< for the supervisor to take the last events
constexpr double shm_look_every_s = 0.1; ///< at most so often
constexpr int log_bytes_of_lost_output = 1 << 20;
constexpr double orphan_grace_s = 0; ///< without a watcher Slurm kills the step at any moment

UniqueFd open_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (int number : launch_signals) sigaddset(&set, number);
    return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// 0: it is gone, or its parent is in another PID namespace.
pid_t parent_of(pid_t pid) {
    auto process = read_proc(pid);
    return process ? process->ppid : 0;
}

class Worker {
  public:
    explicit Worker(WorkerStart start);
    int run();

  private:
    void say(Event event);
    void on_order(const Order& order);
    void reserve(const Order& order);
    void publish(const Order& order);
    void on_signals();
    enum class Then { leave, stay };
    void leave(double grace_s, int log_bytes, Then then = Then::leave);
    void look_while_leaving();
    void left();
    void begin_anew();
    void watch_room();
    void watch_shm();
    void clean(bool held);
    bool after_runs();
    void end_is(std::string code, std::string cause);
    void look_at_shm();
    std::unique_ptr<TerminalPump> relay(const std::string& id, UniqueFd master);
    std::string dir() const { return start_.directory ? start_.directory->path() : ""; }

    WorkerStart start_;
    double born_s_ = monotonic_s();
    Loop loop_;
    FileEvents files_{loop_}, shm_events_{loop_, 0.25}; // who holds what is a walk through /proc
    Hello hello_;
    PortReservations ports_;
    ShmFiles shm_;
    std::unique_ptr<ChannelClient> client_;
    std::unique_ptr<Processes> processes_;
    std::unique_ptr<RoomWatch> room_;
    UniqueFd signals_, reached_at_;
    Loop::Handle signal_watch_, leash_watch_, leave_timer_, shm_timer_;
    FileEvents::Subscription shm_subscription_;
    bool leaving_ = false, gone_ = false, orphaned_ = false;
    int shm_looks_ = 0; ///< due at /dev/shm
    Then then_ = Then::leave;
    int log_bytes_ = 0;
    std::optional<Process> after_;           ///< the command after the end
    std::optional<double> after_until_s_;    ///< it was started
    std::map<std::string, std::string> end_; ///< of the launch, as that command shall see it
    double kill_at_s_ = 0;
    pid_t watcher_ = getppid();
    pid_t stepd_ = parent_of(watcher_); ///< slurmstepd, or what a container has in between
    int exit_code_ = 0;
};

Worker::Worker(WorkerStart start)
    : start_(std::move(start)), shm_(shm_record_of(dir())), signals_(open_signals()) {
    become_subreaper();
    // Before the probes: what they run is reaped by their own wait.
    hello_ = make_hello(start_.invitation, start_.environment, dir(), std::move(start_.findings));
    if (std::ranges::find(start_.invitation.probes, reach_probe_name) != start_.invitation.probes.end())
        reached_at_ = listen_anywhere(hello_.reach_port);
}

void Worker::say(Event event) {
    event.t = monotonic_s() - born_s_;
    client_->send(event);
}

int Worker::run() {
    ChannelClient::Handlers handlers;
    handlers.hello = [this] { return hello_; };
    handlers.on_order = [this](const Order& order) { on_order(order); };
    handlers.on_lost = [this](const std::string& why) {
        fmt::print(stderr, "railhead: {}: {}; ending this node's part\n", hello_.node, why);
        exit_code_ = exit_code(ErrorKind::node_lost);
        orphaned_ = true;
        end_is(std::to_string(exit_code_), std::string(name_of(ErrorKind::node_lost)));
        leave(start_.invitation.grace_s, 0);
    };
    auto client = ChannelClient::make(loop_.context(), start_.invitation, std::move(handlers));
    if (!client) {
        fmt::print(stderr, "railhead: {}: {}\n", hello_.node, sentence(client.error()));
        return exit_code(ErrorKind::internal);
    }
    client_ = std::move(*client);
    ProcessesContext context{
        loop_, files_, hello_.node, dir(), start_.invitation.cwd, start_.name.text(), start_.environment,
        {},    {}};
    context.send = [this](Event event) { say(std::move(event)); };
    context.relay_terminal = [this](const std::string& id, UniqueFd master) {
        return relay(id, std::move(master));
    };
    processes_ = std::make_unique<Processes>(std::move(context));
    watch_room();
    signal_watch_ = loop_.when_readable(signals_.get(), [this] { on_signals(); });
    leash_watch_ = loop_.when_readable(start_.leash.get(), [this] {
        leash_watch_.cancel();
        shm_.claim_held(); // who killed the watcher may have killed all others at the same blow
        (void)shm_.claim_rest(start_.name.job, start_.name.step);
        // Slurm kills the step as soon as its task, the watcher, is gone: files first, it does not remove
        // them. But the record of shared memory that processes may still hold is for the sweep after us.
        if (start_.directory && shm_.none_noted()) (void)start_.directory->remove();
        say({.type = Event::Type::finding,
             .finding = Finding{.id = "agent-killed",
                                .where = hello_.node,
                                .thing = "the agent",
                                .seen = "was killed",
                                .next = "look at the node's log for who did it"}});
        after_.reset(); // Slurm ends it at once
        leave(orphan_grace_s, 0);
    });
    watch_shm();
    client_->start();
    loop_.run();
    if (orphaned_) end_job_of_lost_batch_host(start_.invitation, start_.environment, signals_.get());
    return exit_code_;
}

void Worker::on_order(const Order& order) {
    switch (order.type) {
    case Order::Type::reserve:
        return reserve(order);
    case Order::Type::start:
        if (!order.process || leaving_) return;
        if (order.process->role == Role::after) {
            after_ = order.process;
            return;
        }
        ports_.hand_over(order.process->id);
        return processes_->start(*order.process, order.number);
    case Order::Type::release:
        return processes_->release(order.id, order.line);
    case Order::Type::input:
        return processes_->input(order.id, order.bytes);
    case Order::Type::signal:
        return processes_->signal(order.id, order.number);
    case Order::Type::warn:
        (void)write_private(dir() + "/warning", ""); // without it there is still the signal
        return order.number > 0 ? processes_->signal_users(order.number) : void();
    case Order::Type::tail:
        return processes_->tail(order.id, order.number);
    case Order::Type::publish:
        return publish(order);
    case Order::Type::window:
        return processes_->window(order.id, order.number >> 16, order.number & 0xffff);
    case Order::Type::reach:
        return say(
            {.type = Event::Type::reached, .lines = unreached(reaches_from(order.text), reach_within_s)});
    case Order::Type::clear:
        return leave(order.seconds, order.number, Then::stay);
    case Order::Type::leave:
        end_is(order.text.substr(0, order.text.find(' ')), order.text.substr(order.text.find(' ') + 1));
        return leave(order.seconds, order.number);
    }
}

void Worker::reserve(const Order& order) {
    auto port = port_range_from(order.text).and_then([&](PortRange range) {
        return ports_.reserve(range, std::random_device{}(), order.line);
    });
    if (port) return say({.type = Event::Type::bound, .id = order.id, .value = std::to_string(*port)});
    say({.type = Event::Type::finding,
         .id = order.id,
         .finding = std::move(port.error()).within(hello_.node).finding});
}

/// What `railhead attach` reads: replaced at once, so that a reader sees one or the other.
void Worker::publish(const Order& order) {
    auto path = dir() + "/attach.json", beside = path + ".new";
    unlink(beside.c_str());
    bool written =
        !dir().empty() && write_private(beside, attach_text(order.text, dir(), start_.environment));
    if (!written || rename(beside.c_str(), path.c_str()) != 0) {
        Finding finding{.id = "attach-file", .level = Level::warn, .where = hello_.node, .thing = path};
        finding.seen = "cannot be written, so railhead attach will not find this launch";
        say({.type = Event::Type::finding, .finding = std::move(finding)});
    }
    say({.type = Event::Type::published});
}

void Worker::on_signals() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
        auto number = static_cast<int>(info.ssi_signo);
        if (number == SIGCHLD) {
            reap_all([this](pid_t pid, ChildStatus status) { processes_->reaped(pid, status); });
            if (leaving_) look_while_leaving();
        } else if (is_for_program(number)) {
            processes_->signal_users(number);
        } else if (!leaving_) {
            exit_code_ = exit_code(ErrorKind::cancelled);
            end_is(std::to_string(exit_code_), std::string(name_of(ErrorKind::cancelled)));
            say({.type = Event::Type::stopped, .name = strsignal(number), .value = std::to_string(number)});
            leave(start_.invitation.grace_s, 0);
        }
    }
}

void Worker::leave(double grace_s, int log_bytes, Then then) {
    log_bytes_ = std::max(log_bytes_, log_bytes);
    if (!leaving_ || then == Then::leave) then_ = then;
    if (leaving_) return;
    leaving_ = true;
    kill_at_s_ = monotonic_s() + grace_s;
    shm_subscription_ = {};
    shm_timer_.cancel();
    shm_.look(living_descendants(), ShmFiles::Holders::to_be_killed);
    processes_->stop_all();
    look_while_leaving();
}

void Worker::look_while_leaving() {
    if (gone_) return;
    if (monotonic_s() >= kill_at_s_ || living_descendants().empty()) {
        gone_ = true;
        // From the loop, not from within an order or a signal: left() ends what those stand on.
        leave_timer_ = loop_.after(0, [this] { left(); });
    } else {
        leave_timer_ = loop_.after(look_every_s, [this] { look_while_leaving(); });
    }
}

void Worker::left() {
    auto on_reaped = [this](pid_t pid, ChildStatus status) { processes_->reaped(pid, status); };
    processes_->sample_oom();
    processes_->tell_oom();
    if (auto parent = parent_of(watcher_); parent != 0 && parent != stepd_)
        say({.type = Event::Type::finding,
             .finding =
                 Finding{.id = std::string(stepd_gone),
                         .level = Level::warn,
                         .where = hello_.node,
                         .thing = "slurmstepd",
                         .seen = "ended before its step, so Slurm was not told how the step ended there",
                         .next = "see slurmd's log on that node"}});
    const bool held = !kill_descendants(kill_bound_s, on_reaped).empty();
    processes_->end_console();
    clean(held);
}

// The supervisor knows better than we do, for it comes later.
void Worker::end_is(std::string code, std::string cause) {
    end_["RAILHEAD_EXIT_CODE"] = std::move(code);
    end_["RAILHEAD_CAUSE"] = std::move(cause);
}

/// Starts the command after the end, and whether it is to be waited for.
bool Worker::after_runs() {
    if (!after_ || then_ == Then::stay) return false;
    if (!after_until_s_) {
        after_until_s_ = monotonic_s() + after_node_within_s;
        for (auto& [name, value] : end_) after_->env[name] = value;
        processes_->start(*after_);
    }
    if (monotonic_s() > *after_until_s_) processes_->signal(after_->id, SIGKILL);
    return processes_->runs(after_->id) && monotonic_s() < *after_until_s_ + kill_bound_s;
}

/// Once the console has taken the last lines: they are in files that go now. `held`: the kernel holds some of
/// the processes.
void Worker::clean(bool held) {
    if (!processes_->console_done() || after_runs()) {
        leave_timer_ = loop_.after(look_every_s, [this, held] { clean(held); });
        return;
    }
    auto on_reaped = [this](pid_t pid, ChildStatus status) { processes_->reaped(pid, status); };
    if (processes_->output_lost()) log_bytes_ = std::max(log_bytes_, log_bytes_of_lost_output);
    if (log_bytes_ > 0)
        for (auto& event :
             logs_to_bring(dir(), static_cast<std::size_t>(log_bytes_), processes_->take_failed_logs()))
            say(std::move(event));
    // What the kernel holds is not waited for twice.
    const CleanUp what{hello_.node, start_.name, dir(), held ? 0 : kill_bound_s, then_ == Then::stay};
    for (auto& finding : clean_up(what, shm_, on_reaped))
        say({.type = is_left_behind(finding) ? Event::Type::survivor : Event::Type::finding,
             .finding = finding});
    if (then_ == Then::stay) return begin_anew();
    say({.type = Event::Type::bye});
    client_->finish(finish_within_s, [this] { loop_.stop(); });
}

void Worker::begin_anew() {
    leaving_ = gone_ = false;
    log_bytes_ = 0;
    ports_ = {};
    watch_shm();
    watch_room();
    say({.type = Event::Type::cleared});
}

void Worker::watch_room() {
    room_ = std::make_unique<RoomWatch>(loop_, hello_.node, dir(),
                                        [this](Event event) { say(std::move(event)); });
}

void Worker::watch_shm() {
    shm_subscription_ = shm_events_.subscribe([this] {
        shm_looks_ = 2; // the name is there before its maker holds it: the first may come between
        if (!shm_timer_) shm_timer_ = loop_.after(0, [this] { look_at_shm(); });
    });
    shm_events_.watch("/dev/shm", FileEvents::What::closes); // the record says who holds what now
}

void Worker::look_at_shm() {
    if (shm_looks_ == 0) return shm_timer_.cancel();
    --shm_looks_;
    auto begin_s = monotonic_s();
    shm_.look(living_descendants(), ShmFiles::Holders::living);
    // At most a fiftieth of a core, however many processes there are and whatever they create.
    auto pause_s = std::max(shm_look_every_s, 50 * (monotonic_s() - begin_s));
    shm_timer_ = loop_.after(pause_s, [this] { look_at_shm(); });
}

std::unique_ptr<TerminalPump> Worker::relay(const std::string& id, UniqueFd master) {
    auto made = std::make_unique<TerminalPump>(loop_, std::move(master));
    auto* raw = made.get(); // lives until the worker ends
    client_->open_terminal(
        id, [raw](std::string_view bytes) { raw->incoming(bytes); },
        [raw](ChannelClient::Terminal terminal) {
            raw->connected({terminal.write, terminal.close, terminal.waiting});
        },
        [raw](const std::string&) { raw->disconnected(); });
    return made;
}

} // namespace

int run_worker(WorkerStart start) {
    Worker worker(std::move(start));
    return worker.run();
}

} // namespace railhead
