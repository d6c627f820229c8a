#pragma once
#include "base/child.hpp"
#include "base/environment.hpp"
#include "launcher/agent/console_tail.hpp"
#include "launcher/agent/file_events.hpp"
#include "launcher/agent/loop.hpp"
#include "launcher/agent/node_limits.hpp"
#include "launcher/agent/oom_watch.hpp"
#include "launcher/agent/terminal.hpp"
#include "launcher/wire.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace railhead {

/// What an agent's processes stand on. All of it outlives Processes.
struct ProcessesContext {
    Loop& loop;
    FileEvents& files;
    std::string node;   ///< for findings
    std::string dir;    ///< the launch's directory; empty: it could not be made, and nothing starts
    std::string cwd;    ///< for processes that name none
    std::string launch; ///< value of RAILHEAD_LAUNCH
    Environment environment;
    std::function<void(Event)> send;
    std::function<std::unique_ptr<TerminalPump>(const std::string& id, UniqueFd master)> relay_terminal;
};

/// The processes of one agent: starts them, watches their milestones, tells how they ended.
class Processes {
  public:
    explicit Processes(ProcessesContext context);
    ~Processes();

    /// `window`: of the terminal that it may have, rows << 16 | columns.
    void start(const Process& process, int window = 0);
    void release(const std::string& id, const std::string& line);
    /// A chunk of its standard input, none: the end. Answered by Event::taken when the process can have it
    /// all.
    void input(const std::string& id, const std::vector<std::uint8_t>& bytes);
    void signal(const std::string& id, int number);
    void tail(const std::string& id, int lines);
    void window(const std::string& id, int rows, int columns);

    /// Every process gets its stop signal, with its tree unless its StopSpec says otherwise; other
    /// descendants of the agent get SIGTERM.
    void stop_all();
    /// Drivers and ranks get a signal that Slurm sent to the job's step.
    void signal_users(int number);
    /// Looks what the kernel has killed on this node for want of memory, as is done all the time, and tells
    /// the first kill.
    void sample_oom();
    void tell_oom(); ///< all that was not told
    bool runs(const std::string& id) const;
    /// Whether the console has taken what it will of all that have ended.
    bool console_done() const { return console_.is_done(); }
    /// Nothing of the launch runs here any more.
    void end_console();
    bool output_lost() const { return output_lost_; } ///< it did not take all
    /// Ids of logs of those that have failed since the last call, the first before the others.
    std::vector<std::string> take_failed_logs() { return std::exchange(failed_logs_, {}); }
    /// A child was reaped. Not every one is a started process.
    void reaped(pid_t pid, ChildStatus status);

  private:
    struct Running;
    Running* find(const std::string& id, const char* order);
    Result<std::unique_ptr<Running>> prepare(const Process& process);
    Result<void> execute(Running& running, int window);
    void refuse(const Process& process, Error error);
    void watch(Running& running);
    void begin(Running& running);
    void follow(const Running& running);
    void ended(Running& running, ChildStatus status);
    void write_input(Running& running);
    static void signal_program(Running& running, int number);
    void tell_end(Event event, double patience_s);
    void tell_lost(const std::string& id, std::uint64_t bytes);

    ProcessesContext context_;
    std::map<std::string, std::unique_ptr<Running>> running_;
    std::vector<std::unique_ptr<TerminalPump>> past_terminals_; ///< of earlier starts: the channel knows them
    ConsoleTail console_;
    bool output_lost_ = false;
    std::vector<std::string> failed_logs_;
    std::optional<CgroupPlace> cgroup_;
    OomWatch oom_;
    std::uint64_t oom_told_ = 0;
    Loop::Handle oom_timer_;
};

} // namespace railhead
