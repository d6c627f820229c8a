#pragma once
#include "base/child.hpp"
#include "base/error.hpp"
#include "launcher/agent/file_events.hpp"
#include "launcher/agent/loop.hpp"
#include "launcher/plan.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace railhead {

/// What "a/*/b" names now: the paths that exist, and the folders on the way in which more may appear.
struct Expanded {
    std::vector<std::string> matches, folders;
};
Expanded expand_pattern(const std::string& pattern);

/// The first line of a file that is there and complete: it ends with a newline, or nothing was added since
/// the last look. Empty otherwise.
class FirstLine {
  public:
    std::string look(const std::string& path);
    bool unsure() const { return unsure_; } ///< there is a line without newline: look again soon

  private:
    std::string seen_;
    bool unsure_ = false;
};

/// Looked at before it starts. Error (bring-up failed): a fresh port that something listens at, or a folder
/// where a fresh file shall be.
Result<void> gates_are_shut(const Process& process);

/// Watches the milestones of one process, made before it starts, from its start until all are reached or it
/// ends. Handlers are called from the loop; each milestone is told once, as reached or as late.
class Milestones {
  public:
    struct Handlers {
        std::function<void(const Milestone&, const std::string& value)> reached;
        std::function<void(const Milestone&, const Finding&)> late;
    };

    /// `process` has its placeholders filled; `log` is its log's path, empty when it has none.
    Milestones(Loop& loop, FileEvents& files, const Process& process, const std::string& dir,
               const std::string& log, Handlers handlers);
    ~Milestones();

    /// The process was executed.
    void begin();
    /// Those that are not reached, by name, and what was seen instead where it tells: "http:8000/health:
    /// 503".
    std::string missing() const;
    /// It ended: exit0 is decided, and what its log and files say is looked at for the last time.
    void ended(const ChildStatus& status);

  private:
    struct Watch;
    std::vector<std::unique_ptr<Watch>> watches_;
};

} // namespace railhead
