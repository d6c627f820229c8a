#pragma once
#include "base/child.hpp"
#include "launcher/plan.hpp"
#include "launcher/supervisor/outcome.hpp"
#include "launcher/supervisor/values.hpp"
#include "launcher/wire.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace railhead {

/// Carries out a plan: a pure state machine. What happens comes in by the on_ functions with the time in
/// seconds since the launch began; what is to be done goes out through the sink. It knows no socket, no
/// process and no clock, so that every end of a launch is a unit test.
class Launch {
  public:
    struct Sink {
        std::function<void(int node, const Order&)> send;
        std::function<void(const std::string& line)> say; ///< progress, one line
        std::function<void()> ready;                      ///< everything is up (once)
        std::function<void(int node, const Event&)> log_back;
        std::function<double(int node)> silent_s; ///< how long nothing was heard of its agent
        std::function<bool()> at_limit; ///< whether the job is at its time limit, as far as is known by now
    };
    enum class Phase { starting, running, ending, over };

    Launch(Plan plan, Sink sink, Explain explain = {});

    void begin(double now);
    void on_event(int node, const Event& event, double now);
    /// A connection broke: until it is back or lost, a failure of the program waits for that cause. A silent
    /// node is none of this: it may be slow.
    void on_away(int node);
    void on_back(int node, double now);
    /// `stood_still_s`: so long did this process not run, and the node gave it up; 0: it ran.
    void on_lost(int node, const std::string& why, double stood_still_s, double now);
    /// The srun of a component ended before we asked for it; `words` are its last lines on standard error.
    void on_step_ended(int component, const std::string& words, const ChildStatus& srun, double now);
    void on_signal(int number, double now); ///< for the supervisor
    /// Ends the launch for a signal. `meanwhile`: what went on, if not the launch: "waiting for agents on
    /// n1".
    void end_by_signal(int number, double now, std::string meanwhile = {});
    /// Of a launch that ended by a signal, whether that was the time limit, is known better now. True: the
    /// outcome has changed.
    bool settle();
    bool ended_by_signal() const { return told_.has_value(); }
    void resize(int window); ///< now or before it starts, of the driver's terminal: rows << 16 | columns
    void on_tick(double now);
    /// Ends the launch for a reason that was found outside.
    void end(Outcome outcome, double now);

    Phase phase() const { return phase_; }
    const Outcome& outcome() const { return *outcome_; } ///< once phase() is ending
    const std::vector<Cause>& victims() const { return victims_; }
    const std::vector<Finding>& survivors() const { return survivors_; }
    bool left_silent() const { return left_silent_; } ///< agents are left that do not answer
    const std::vector<Finding>& findings() const { return findings_; }
    std::optional<double> node_ready_s(int node) const {
        auto found = node_ready_.find(node);
        return found == node_ready_.end() ? std::nullopt : std::optional(found->second);
    }
    /// "head.gcs"; empty: not reached
    const std::string& value_of(const std::string& milestone) const { return values_.get(milestone); }
    /// What is not up yet, for the live line and for the sentence of a time-out: "worker.node3 (joined)".
    std::vector<std::string> missing() const;
    const Plan& plan() const { return plan_; }

  private:
    struct Running {
        const Process* process = nullptr;
        bool ordered = false;
        bool released = false;
        std::optional<double> started_s;
        std::map<std::string, std::string> reached;
        std::optional<Ended> ended;
        std::vector<std::string> log;
    };

    void start_what_can(double now);
    bool can_start(const Running& running) const;
    bool reached(const std::vector<std::string>& milestones) const;
    static bool waits_for_others(const Running& running);
    bool up(const Running& running) const;
    void on_milestone(const Event& event, double now);
    void on_exited(const Event& event, double now);
    void on_ended_running(Running& running, double now);
    void on_stopped(const Event& event, double now);
    void on_agent_killed(int node, const Finding& finding, double now);
    void end_held(double now);
    void check_ready(double now);
    void publish();
    void on_published();
    void time_out(double now);
    void leave_silent(double now);
    void node_done(int node);
    const std::string& node_name(int node) const { return plan_.order[static_cast<std::size_t>(node)].name; }

    Plan plan_;
    Sink sink_;
    Explain explain_;
    Phase phase_ = Phase::starting;
    std::map<std::string, Running> processes_;
    Values values_;
    std::map<int, double> node_ready_;
    std::set<int> present_;     ///< nodes whose agents have not left
    std::set<int> away_;        ///< nodes whose connection broke and is awaited
    std::vector<Outcome> held_; ///< failures that wait for the nodes in `away_`
    std::vector<Outcome>
        killed_; ///< agents that were killed, until it is clear that it is not the whole step
    double killed_until_s_ = 0;
    std::optional<Outcome> outcome_;
    std::vector<Cause> victims_;
    std::vector<Finding> survivors_, findings_;
    struct Told {
        int signal;
        std::string meanwhile;
    };
    std::optional<Told> told_; ///< to end: the cause
    double ended_s_ = 0, end_by_s_ = 0;
    bool left_silent_ = false;
    int interrupts_ = 0;
    int window_ = 0;
    bool timed_out_ = false, publishing_ = false;
    double tail_by_s_ = 0;
};

} // namespace railhead
