#pragma once
// The class behind supervise(): supervisor.cpp has its loop, supervisor_end.cpp how it ends.
#include "base/clock.hpp"
#include "launcher/channel/server.hpp"
#include "launcher/supervisor/console.hpp"
#include "launcher/supervisor/input.hpp"
#include "launcher/supervisor/invite.hpp"
#include "launcher/supervisor/launch.hpp"
#include "launcher/supervisor/logs.hpp"
#include "launcher/supervisor/look.hpp"
#include "launcher/supervisor/muster.hpp"
#include "launcher/supervisor/report_file.hpp"
#include "launcher/supervisor/restarts.hpp"
#include "launcher/supervisor/steps.hpp"
#include "launcher/supervisor/supervisor.hpp"
#include "launcher/supervisor/surroundings.hpp"
#include "launcher/supervisor/terminal.hpp"
#include "launcher/supervisor/time_limit.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

class Supervisor {
  public:
    explicit Supervisor(LaunchSpec spec)
        : spec_(std::move(spec)), console_(Console::style_for(spec_.output == Output::json)), signals_(io_),
          timer_(io_), terminal_(io_), input_(io_), muster_(spec_.allocation),
          limit_(io_, spec_.environment, spec_.allocation, [this] { settle(); }) {}
    int run();

  private:
    Result<void> begin();
    Result<void> read_restarts();
    Result<void> can_requeue(Key key);
    int refuse(const Error& error);
    void make_server();
    void hello(const std::string& peer, const Hello& hello);
    Result<void> judge_nodes(const std::vector<Hello>& hellos);
    void plan_and_launch();
    void look(const std::vector<Hello>& hellos);
    void end_look();
    void begin_launch(Plan plan);
    std::optional<double> again(Outcome& outcome, int present);
    void start_again();
    std::vector<std::string> idle_peers() const;
    std::string progress() const;
    void watch_limit();
    void go_back_to_queue();
    bool goes_back_at_limit() const;
    void ready();
    void away(const std::string& peer, ChannelServer::Handlers::Away how);
    void back(const std::string& peer);
    void lost(const std::string& peer, const std::string& why);
    void step_ended(std::size_t component, const ChildStatus& status);
    void on_signal(int number);
    void wait_signal();
    void tick();
    void begin_without_plan();
    void fail_early(Outcome outcome);
    void fail_early(const Error& error) { fail_early(outcome_of(error, spec_.allocation.nodes())); }
    void after();
    bool waits_for_reader();
    void look_for_reader();
    void phase(std::string name);
    int finish();
    Report report();
    void write_report(Draft draft);
    void headline();
    void settle();
    double now() const { return monotonic_s() - spec_.begun_s; }
    Missing missing() const {
        auto nodes = muster_.missing_nodes();
        return {nodes, steps_->not_started(nodes)};
    }
    std::string peer_of(int node) const {
        const auto& place = launch_->plan().order[static_cast<std::size_t>(node)];
        return peer_name(place.component, place.name);
    }

    LaunchSpec spec_;
    Console console_;
    asio::io_context io_;
    asio::signal_set signals_;
    asio::steady_timer timer_;
    TerminalRelay terminal_;
    InputRelay input_;
    std::string key_, secret_, launch_id_;
    Meeting meeting_;
    std::unique_ptr<ChannelServer> server_;
    std::optional<Steps> steps_;
    Muster muster_;
    TimeLimit limit_;
    std::map<std::string, int> index_; ///< peer -> place in the plan's order
    std::optional<Outcome> early_;     ///< why nothing was begun
    std::optional<Launch> launch_;
    std::optional<Look> look_;
    double look_until_s_ = 0;
    std::optional<Restarts> restarts_;
    std::string progress_before_;          ///< progress() when this start was made
    std::vector<Finding> findings_before_; ///< of earlier starts
    std::vector<HookRun> hooks_before_;
    OnLoss on_loss_;
    enum class Warning { due, asked, given } warning_ = Warning::due; ///< of the time limit
    std::vector<PhaseTime> phases_;
    std::optional<double> ready_s_, over_s_;
    std::optional<Deadline> reader_awaited_; ///< after it, it is said
    bool reader_named_ = false;
    bool hurried_ = false; ///< a signal came after the end
    bool headline_said_ = false;
    bool gone_seen_ = false; ///< by a tick: Steps::gone()
    LogsBack logs_;
};

} // namespace railhead
