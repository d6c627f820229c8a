#pragma once
#include "launcher/plan.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace railhead {

/// What the supervisor's placeholders (launcher/plan.hpp) stand for, as the launch learns it.
class Values {
  public:
    explicit Values(const Plan& plan);

    void set(const std::string& name, std::string value) { values_[name] = std::move(value); }
    bool contains(const std::string& name) const { return values_.contains(name); }
    const std::string& get(const std::string& name) const; ///< empty: not known
    /// With every placeholder replaced that is the supervisor's; nothing while one is not known yet.
    std::optional<std::string> filled(const std::string& text) const;
    std::optional<Process> filled(const Process& process) const;

  private:
    bool will_be_known(const std::string& name) const;

    std::set<std::string> processes_;
    std::map<std::string, std::string> values_;
};

} // namespace railhead
