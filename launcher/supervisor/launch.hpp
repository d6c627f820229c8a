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
        std::function<Sender()> sender; ///< of a signal that ends the launch, as far as is known by now
        /// Asked when the end is decided, and may say more in it: after how many seconds everything starts
        /// again, in a launch of its own on the nodes that are present() then. Absent: this is the end.
        std::function<std::optional<double>(Outcome&, int present)> again;
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
    /// While ending, and when over: the nodes are only cleared, and another launch follows.
    bool starts_again() const { return again_at_s_.has_value(); }
    const std::set<int>& present() const { return present_; } ///< nodes whose agents have not left
    /// As Order::leave has it.
    std::string end_text() const;
    const Outcome& outcome() const { return *outcome_; } ///< once phase() is ending
    const std::vector<Cause>& victims() const { return victims_; }
    const std::vector<Finding>& survivors() const { return survivors_; }
    bool left_silent() const { return left_silent_; } ///< agents are left that do not answer
    const std::vector<Finding>& findings() const { return findings_; }
    const std::vector<HookRun>& hooks() const { return hooks_; }
    std::optional<double> node_ready_s(int node) const {
        auto found = node_ready_.find(node);
        return found == node_ready_.end() ? std::nullopt : std::optional(found->second);
    }
    /// "head.gcs"; empty: not reached
    const std::string& value_of(const std::string& milestone) const { return values_.get(milestone); }
    /// Id of the log of a process that failed; empty: unknown.
    std::string log_of(const std::string& process) const {
        auto found = processes_.find(process);
        return found == processes_.end() ? "" : found->second.log_id;
    }
    /// What is not up yet, for the live line and for the sentence of a time-out: "worker.node3 (joined)".
    std::vector<std::string> missing() const;
    const Plan& plan() const { return plan_; }

  private:
    struct Running {
        const Process* process = nullptr;
        bool before = false; ///< of Plan::before
        bool ordered = false;
        bool released = false;
        std::optional<double> started_s;
        std::map<std::string, std::string> reached;
        std::optional<Ended> ended;
        double ended_at_s = 0; ///< as Event::at_s
        std::vector<std::string> log;
        std::string missing; ///< what its agent says that it waits for, in the answer to Order::tail
        std::string log_id;  ///< as Event::name of `exited`
    };

    struct Failed {
        double at_s; ///< by its node's clock
        Outcome outcome;
    };

    void start_what_can(double now);
    bool can_start(const Running& running) const;
    bool reached(const std::vector<std::string>& milestones) const;
    static bool waits_for_others(const Running& running);
    bool up(const Running& running) const;
    void on_failed_finding(int node, const Event& event, double now);
    void on_milestone(const Event& event, double now);
    void on_exited(const Event& event, double now);
    void send_after();
    void on_before_ended(Running& running, double now);
    void on_after(const Event& event, double now);
    void look_at_before();
    std::optional<Outcome> late_before(double now) const;
    void on_ended_running(Running& running, double now);
    bool lost_its_port(const Running& running) const;
    void turn(Outcome outcome, double now);
    void dismiss();
    void check_over(double now);
    void on_stopped(const Event& event, double now);
    void on_agent_killed(int node, const Finding& finding, double now);
    void end_held(double now);
    void end_failed(double now);
    bool cause_comes() const;
    bool went_with_step(const Failed& failed) const;
    bool tells_nothing(const Failed& failed) const;
    bool launcher_runs() const;
    bool ended_by_launcher() const;
    std::optional<Outcome> told_by(const Failed& launcher, const std::vector<Failed>& ranks) const;
    std::vector<Failed> in_order(std::vector<Failed> failed) const;
    bool ranks_run() const;
    void check_ready(double now);
    void publish();
    void on_published();
    void time_out(double now);
    void end_launched(double now);
    void leave_silent(double now);
    void node_done(int node, double now);
    const std::string& node_name(int node) const { return plan_.order[static_cast<std::size_t>(node)].name; }

    Plan plan_;
    Sink sink_;
    Explain explain_;
    Phase phase_ = Phase::starting;
    std::map<std::string, Running> processes_;
    Values values_;
    std::map<int, double> node_ready_;
    std::set<int> present_, cleared_;
    std::set<int> away_;         ///< nodes whose connection broke and is awaited
    std::vector<Outcome> held_;  ///< failures that wait for the nodes in `away_`
    std::vector<Failed> failed_; ///< ranks, until it is clear which was the first
    double failed_until_s_ = 0;
    std::optional<double> again_at_s_; ///< the end is not the last: not before then
    std::vector<Outcome>
        killed_; ///< agents that were killed, until it is clear that it is not the whole step
    double killed_until_s_ = 0;
    std::optional<std::pair<double, std::string>>
        launched_; ///< what started the ranks ended well: until then they come; its id
    std::optional<Outcome> outcome_;
    std::vector<Cause> victims_;
    std::vector<Finding> survivors_, findings_;
    std::vector<HookRun> hooks_;
    std::map<std::string, double> after_started_s_; ///< by id
    bool before_is_up_ = false;
    struct Told {
        int signal;
        std::string meanwhile;
    };
    std::optional<Told> told_; ///< to end: the cause
    double ended_s_ = 0, end_by_s_ = 0;
    bool left_silent_ = false;
    std::set<int> passed_; ///< signals that the program was given
    void mark_asked(Outcome& outcome) const;
    bool asked_for(const Outcome& outcome) const;
    bool interrupted(const Outcome& outcome) const;
    int window_ = 0;
    bool timed_out_ = false, publishing_ = false;
    double tail_by_s_ = 0;
};

} // namespace railhead
