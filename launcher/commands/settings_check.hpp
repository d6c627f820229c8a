#pragma once
#include "launcher/commands/command.hpp"
#include "policy/settings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// A settings file with its findings; strict where loading is lenient: what would only be a warning to a user
/// is a finding to the administrator who asks. The user's own file is looked at with a user's rights. Prints
/// why there is none; `named`: one that is not there is an error, and not the defaults.
std::optional<Loaded> load_to_check(const Context& context, const std::string& file, bool named);

/// Prints them, or that there are none; the exit code: 0 clean, 1 findings.
int print_checked(const std::string& file, const std::vector<Finding>& findings);

} // namespace railhead
