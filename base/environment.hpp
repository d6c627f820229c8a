#pragma once
#include <map>
#include <optional>
#include <string>

namespace railhead {

/// The process environment, captured once in main and passed on, so that its users are tested without setenv.
class Environment {
  public:
    Environment() = default;
    explicit Environment(std::map<std::string, std::string> variables) : variables_(std::move(variables)) {}
    /// Reads `environ`. Call it before any thread is started.
    static Environment of_process();

    std::optional<std::string> get(const std::string& name) const;
    const std::map<std::string, std::string>& all() const { return variables_; }

  private:
    std::map<std::string, std::string> variables_;
};

} // namespace railhead
