#pragma once
#include "base/child.hpp"
#include "base/error.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace asio {
class io_context;
}

namespace railhead {

/// The srun that carries the agents of one component. Its standard output is ours; its standard error passes
/// through us, so that srun's remarks about a step that we end ourselves need not be printed.
class Step {
  public:
    struct Handlers {
        std::function<void(std::string_view)> on_stderr;
        std::function<bool()> is_full; ///< whether srun shall keep for a while what comes next
        std::function<void(const ChildStatus&)> on_ended; ///< after its standard error was read to the end
    };
    /// Starts srun and hands `invitation` (one line) to the agents. Error (bringup_failed): srun is not
    /// there.
    static Result<std::unique_ptr<Step>> start(asio::io_context& io, std::vector<std::string> command,
                                               std::map<std::string, std::string> environment,
                                               const std::string& invitation, Handlers handlers);
    ~Step();

    bool ended() const;
    void signal(int number);

  private:
    struct State;
    explicit Step(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

} // namespace railhead
