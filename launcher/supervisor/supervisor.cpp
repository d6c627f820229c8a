#include "launcher/supervisor/supervisor.hpp"

#include "launcher/agent/directory.hpp"
#include "launcher/agent/ports.hpp"
#include "launcher/channel/tls.hpp"
#include "launcher/json.hpp"
#include "launcher/signals.hpp"
#include "launcher/supervisor/supervisor_class.hpp"
#include "slurm/hostlist.hpp"

#include <asio/post.hpp>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <csignal>
#include <unistd.h>
#include <utility>

namespace railhead {
namespace {
constexpr double tick_s = 0.2;
} // namespace

void Supervisor::phase(std::string name) {
    if (!phases_.empty()) phases_.back().s = now() - phases_.back().start_s;
    phases_.push_back({.name = std::move(name), .start_s = now(), .s = 0});
}

int Supervisor::run() {
    if (auto begun = begin(); !begun) return refuse(begun.error());
    tick();
    io_.run();
    return finish();
}

Result<void> Supervisor::begin() {
    if (auto can = can_write_file(spec_.settings.text(Key::launch_report)); !can)
        return tl::unexpected(std::move(can.error()).within("--report"));
    if (auto can = can_make_folder(spec_.settings.text(Key::launch_log_dir)); !can)
        return tl::unexpected(std::move(can.error()).within("--log-dir"));
    if (auto can = can_be_told(spec_); !can) return can;
    if (auto read = read_restarts(); !read) return read;
    if (spec_.looked) spec_.probes.emplace_back(reach_probe_name);
    if (spec_.looked || spec_.settings.text(Key::launch_check) != "off") {
        spec_.probes.emplace_back(node_probe_name);
        spec_.probe_args[std::string(node_probe_name)] = spec_.settings.text(Key::node_root);
    }
    for (auto* text : {&key_, &secret_, &launch_id_}) {
        auto made = make_key_text();
        if (!made) return tl::unexpected(made.error());
        *text = *made;
    }
    launch_id_.resize(LaunchName::made_digits);
    launch_id_ += spec_.allocation.step_id.value_or(""); // by which the step's other tasks know it
    auto addresses = addresses_for_agents(spec_);
    if (!addresses) return tl::unexpected(std::move(addresses.error()));
    meeting_ = {.addresses = std::move(*addresses), .port = 0, .key = key_, .launch = launch_id_};
    make_server();
    // Ports that somebody chose hold for us as well: agents of all nodes come to this one.
    PortReservations reserved;
    Result<std::uint16_t> port = 0;
    if (spec_.settings.origin(Key::launch_ports).kind != Origin::Kind::preset) {
        auto range = port_range_from(spec_.settings.text(Key::launch_ports));
        if (range) port = reserved.reserve(*range, static_cast<std::uint32_t>(getpid()));
    }
    if (port) port = server_->listen(*port);
    if (!port) return tl::unexpected(port.error());
    meeting_.port = *port;
    for (int number : launch_signals) signals_.add(number);
    signals_.add(SIGWINCH);
    wait_signal();
    release_signals();
    phase("agents");
    steps_.emplace(
        io_, spec_.allocation, spec_.environment, step_for(spec_, launch_id_),
        Steps::Handlers{
            .invitation =
                [this](std::size_t component) { return to_line(invitation_for(spec_, meeting_, component)); },
            .on_stderr =
                [this](std::string_view line) {
                    limit_.hear(line);
                    console_.raw(line);
                },
            .is_full = [this] { return console_.is_full(); },
            .on_ended = [this](std::size_t component,
                               const ChildStatus& status) { step_ended(component, status); }});
    return steps_->start();
}

void Supervisor::make_server() {
    server_ = std::make_unique<ChannelServer>(
        io_, key_, ChannelServer::Bounds{.loss_after_s = spec_.settings.seconds(Key::launch_loss_after)},
        ChannelServer::Handlers{
            .on_hello = [this](auto& peer, auto& said) { hello(peer, said); },
            .on_event =
                [this](auto& peer, auto& event) {
                    input_.on_event(event);
                    if (look_ && event.type == Event::Type::reached) {
                        look_->on_reached(peer, event);
                        if (look_->is_over()) end_look();
                    }
                    if (auto node = index_.find(peer); launch_ && node != index_.end())
                        launch_->on_event(node->second, event, now());
                    if (event.type == Event::Type::bye) server_->forget(peer);
                    after();
                },
            .on_away = [this](auto& peer, auto how) { away(peer, how); },
            .on_back = [this](auto& peer) { back(peer); },
            .on_lost = [this](auto& peer, auto& why) { lost(peer, why); },
            .on_terminal = [this](TerminalSide side) { return terminal_.attach(std::move(side)); },
        });
}

void Supervisor::hello(const std::string& peer, const Hello& hello) {
    if (launch_) // it ended before this agent was there
        return server_->send(peer, Order{.type = Order::Type::leave, .seconds = launch_->plan().grace_s});
    if (!muster_.add(peer, hello, now()))
        return console_.line(now(), node_of_peer(peer) + " said hello, but is not of this launch");
    if (auto refusal = refusal_of(hello, spec_.probes))
        return fail_early(Error{ErrorKind::bringup_failed, *refusal});
    if (muster_.complete()) plan_and_launch();
}

/// Says what is wrong with nodes at the first start, and keeps it for the report.
Result<void> Supervisor::judge_nodes(const std::vector<Hello>& hellos) {
    if (!restarts_->causes().empty()) return {};
    const auto findings = wrong_with_nodes(hellos);
    const bool enforces = spec_.settings.text(Key::launch_check) == "enforce";
    if (enforces && !findings.empty() && findings.front().level == Level::fail) {
        auto finding = findings.front();
        finding.next +=
            std::string(finding.next.empty() ? "" : ", or ") + "start nevertheless with --check warn";
        return fail(ErrorKind::check_refused, std::move(finding));
    }
    for (const auto& finding : findings) console_.line(now(), "warning: " + sentence(finding));
    findings_before_.insert(findings_before_.end(), findings.begin(), findings.end());
    return {};
}

void Supervisor::plan_and_launch() {
    auto hellos = muster_.in_order();
    if (spec_.looked) return look(hellos);
    auto env = spec_.env; // --env wins
    env.merge(requests_of_job(spec_.environment));
    if (restarts_->causes().empty())
        console_.line(now(), fmt::format("agents run on {}: {}", counted(hellos.size(), "node"),
                                         compress_hostlist(spec_.allocation.nodes())));
    if (auto refused = judge_nodes(hellos); !refused) return fail_early(refused.error());
    hellos.resize(static_cast<std::size_t>(restarts_->nodes_to_use(static_cast<int>(hellos.size()))));
    auto plan = spec_.plan(LaunchInput{.allocation = spec_.allocation,
                                       .hellos = hellos,
                                       .settings = spec_.settings,
                                       .command = spec_.command,
                                       .env = std::move(env),
                                       .cwd = working_directory(),
                                       .restarts = static_cast<int>(restarts_->causes().size()),
                                       .secret = secret_,
                                       .terminal = terminal_.wanted(),
                                       .input = InputRelay::wanted(),
                                       .slurm = spec_.slurm});
    if (!plan) return fail_early(plan.error());
    if (spec_.dry_run == DryRun::yes) {
        Console::print_plan(*plan);
        plan->processes.clear();
        plan->ports.clear();
        Outcome outcome;
        outcome.cause.sentence = "dry run: nothing was started but the agents";
        begin_launch(std::move(*plan));
        return launch_->end(outcome, now());
    }
    phase("start");
    progress_before_ = progress();
    begin_launch(std::move(*plan));
    launch_->resize(terminal_.window());
    launch_->begin(now());
    after();
}

void Supervisor::begin_launch(Plan plan) {
    index_.clear();
    for (std::size_t i = 0; i < plan.order.size(); ++i)
        index_[peer_name(plan.order[i].component, plan.order[i].name)] = static_cast<int>(i);
    launch_.emplace(
        std::move(plan),
        Launch::Sink{.send = [this](int node, const Order& order) { server_->send(peer_of(node), order); },
                     .say = [this](const std::string& text) { console_.line(now(), text); },
                     .ready = [this] { ready(); },
                     .log_back =
                         [this](int node, const Event& event) {
                             logs_.add(launch_->plan().order[static_cast<std::size_t>(node)].name, event.id,
                                       event.value);
                         },
                     .silent_s = [this](int node) { return server_->silent_s(peer_of(node)); },
                     .sender = [this] { return limit_.sender(); },
                     .again = [this](Outcome& outcome, int present) { return again(outcome, present); }},
        spec_.explain);
    input_.begin(launch_->plan(),
                 [this](int node, const Order& order) { server_->send(peer_of(node), order); });
    logs_.begin(spec_.settings.text(Key::launch_log_dir), spec_.allocation.job_id,
                spec_.allocation.restart_count, launch_id_, restarts_->causes().size());
}

void Supervisor::ready() {
    ready_s_ = now();
    phase("run");
    console_.line(now(), fmt::format("{} is ready: {}, {}", spec_.recipe,
                                     counted(launch_->plan().order.size(), "node"),
                                     counted(static_cast<std::size_t>(launch_->plan().gpus), "GPU")));
    for (auto& note : launch_->plan().notes) console_.line(now(), note);
}

void Supervisor::away(const std::string& peer, ChannelServer::Handlers::Away how) {
    if (launch_ && launch_->phase() >= Launch::Phase::ending) return;
    bool broken = how == ChannelServer::Handlers::Away::broken;
    console_.line(now(), fmt::format("{} {}; waiting for it", node_of_peer(peer),
                                     broken ? "has closed its connection" : "is silent"));
    if (auto node = index_.find(peer); broken && launch_ && node != index_.end())
        launch_->on_away(node->second);
}

void Supervisor::back(const std::string& peer) {
    console_.line(now(), node_of_peer(peer) + " is back");
    if (auto node = index_.find(peer); launch_ && node != index_.end()) launch_->on_back(node->second, now());
    after();
}

void Supervisor::lost(const std::string& peer, const std::string& why) {
    if (auto node = index_.find(peer); launch_ && node != index_.end())
        launch_->on_lost(node->second, why,
                         steps_->gave_up(node_of_peer(peer)) ? server_->stood_still_s() : 0, now());
    else if (launch_)
        muster_.give_up(peer); // a spare
    else {
        muster_.remove(peer);
        auto text = fmt::format("{} was lost before the start: its agent {}", node_of_peer(peer), why);
        fail_early(outcome_of(ErrorKind::node_lost, std::move(text), node_of_peer(peer)));
    }
    after();
}

void Supervisor::step_ended(std::size_t component, const ChildStatus& status) {
    if (!launch_ && muster_.empty() && steps_->choose_broadcast(status)) {
        console_.line(now(), fmt::format("{} is not on the nodes: srun copies it there", own_path()));
        asio::post(io_, [this] {
            if (auto again = steps_->start(); !again) fail_early(again.error());
        });
        return;
    }
    auto words = steps_->last_words();
    if (launch_)
        launch_->on_step_ended(static_cast<int>(component), words, status, now());
    else if (auto trouble = steps_->container_trouble(); !trouble.empty())
        fail_early(outcome_of(ErrorKind::bringup_failed, std::move(trouble)));
    else
        fail_early(outcome_of_srun(status, compress_hostlist(muster_.missing_nodes()), words));
    after();
}

void Supervisor::wait_signal() {
    signals_.async_wait([this](asio::error_code error, int number) {
        if (error) return;
        on_signal(number);
        wait_signal();
        after();
    });
}

void Supervisor::on_signal(int number) {
    hurried_ = hurried_ || (over_s_ && number != SIGWINCH);
    if (number == SIGWINCH) {
        if (launch_) launch_->resize(terminal_.window());
    } else if (launch_) {
        launch_->on_signal(number, now());
    } else if (!is_for_program(number)) {
        auto meanwhile = waiting_for(missing());
        begin_without_plan();
        launch_->end_by_signal(number, now(), std::move(meanwhile));
    }
}

void Supervisor::tick() {
    timer_.expires_after(std::chrono::milliseconds(static_cast<int>(tick_s * 1000)));
    timer_.async_wait([this](asio::error_code error) {
        if (error) return;
        limit_.look();
        watch_limit();
        if (look_ && now() > look_until_s_) end_look();
        if (launch_) {
            launch_->on_tick(now());
            look_for_reader();
            if (launch_->phase() == Launch::Phase::starting)
                console_.live(now(),
                              fmt::format("starting; missing: {}", fmt::join(launch_->missing(), ", ")));
        } else {
            console_.live(now(), waiting_for(missing()));
            auto gone = steps_->gone(missing().nodes);
            // If none can run, srun ends by itself. A tick later slurmstepd has said why, too.
            if (gone && !muster_.empty() && std::exchange(gone_seen_, true)) {
                auto trouble = steps_->container_trouble();
                fail_early(trouble.empty()
                               ? outcome_of_gone(gone->node, gone->how, gone->words)
                               : outcome_of(ErrorKind::bringup_failed, std::move(trouble), gone->node));
            } else if (now() > spec_.settings.seconds(Key::launch_bringup_timeout))
                fail_early(outcome_of_silence(missing(), now(), meeting_.addresses.front(), meeting_.port));
        }
        tick();
        after();
    });
}

int supervise(LaunchSpec spec) {
    hold_signals(); // from the first moment an end by scancel is an end with a sentence
    if (auto known = ask_about(spec); !known)
        Console(Console::style_for(spec.output == Output::json))
            .line(monotonic_s() - spec.begun_s, sentence(known.error()) + " (going on; GPUs may be missing)");
    return Supervisor(std::move(spec)).run();
}

} // namespace railhead
