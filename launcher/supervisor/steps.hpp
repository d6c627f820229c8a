#pragma once
#include "base/environment.hpp"
#include "launcher/supervisor/srun.hpp"
#include "launcher/supervisor/step.hpp"
#include "slurm/allocation.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// All sruns of a launch, one per component, and what they said.
class Steps {
  public:
    struct Handlers {
        std::function<std::string(std::size_t component)> invitation;
        std::function<void(std::string_view)> on_stderr; ///< bytes to pass on
        std::function<bool()> is_full;                   ///< as Step's
        std::function<void(std::size_t component, const ChildStatus&)> on_ended;
    };
    Steps(asio::io_context& io, const Allocation& allocation, const Environment& environment, StepSpec spec,
          Handlers handlers)
        : io_(io), allocation_(allocation), environment_(environment), spec_(std::move(spec)),
          handlers_(std::move(handlers)) {}

    Result<void> start();
    /// The program's path is not on the nodes (a private build, a container's path): the next start() has
    /// srun carry it there, and what other sruns of this turn still say or do is not passed on. False when
    /// that is not the trouble, by the words of the srun that ended, or was tried already.
    bool choose_broadcast(const ChildStatus& srun);
    /// A sentence when nodes lack the container in which the agents shall run, or it has neither the program
    /// nor sees the node's copy of it; else empty.
    std::string container_trouble() const;
    /// Removes what srun copied to nodes on which no agent has started, who would do it. Bounded.
    void remove_copies();
    /// From now on srun's remarks about the step's end are noise of our own making.
    void ending() { ending_ = true; }
    /// The last line of standard error that says something, for the sentence of a step that ended early.
    std::string last_words() const;
    /// Of the nodes whose agents are missing, those that hold up the others: srun hands nobody the invitation
    /// before all have started. Empty: none or all of them have started.
    std::vector<std::string> not_started(const std::vector<std::string>& missing) const;
    /// The first agent that ended by itself on one of these nodes, and what was said of it there. Only before
    /// the launch has begun: none does so then, unless it cannot run.
    struct Gone {
        std::string node, how;
        std::string words; ///< by now; slurmstepd may speak after srun
    };
    std::optional<Gone> gone(const std::vector<std::string>& missing) const;
    /// Whether the agent there has said that it did not hear the supervisor and ended its part.
    bool gave_up(const std::string& node) const { return gave_up_.contains(node); }
    /// Ends what still runs as time passes since the last agent left: by SIGTERM after `patience_s`, and by
    /// SIGKILL after twice that. True when none runs.
    bool end(double since_s, double patience_s);

  private:
    void said(std::size_t component, std::string_view bytes);
    void said_line(std::string_view line);
    std::string last_line_about(const std::string& node) const;

    asio::io_context& io_;
    const Allocation& allocation_;
    const Environment& environment_;
    StepSpec spec_;
    Handlers handlers_;
    std::vector<std::unique_ptr<Step>> steps_;
    std::vector<std::string> unfinished_; ///< by component: a line whose end has not come
    std::string words_;
    std::string remark_;                      ///< srun's last that was not passed on
    std::set<std::string> started_, gave_up_; ///< nodes
    std::vector<Gone> gone_;
    int turn_ = 0; ///< of the starts; handlers hear the current one
    bool ending_ = false;
};

/// Inside `srun railhead ...` the other tasks wait for the launch on their nodes: tells them that it never
/// got there. Bounded.
void release_siblings(const Allocation& allocation, const Environment& environment);

} // namespace railhead
