#pragma once
#include "base/error.hpp"
#include "launcher/plan.hpp"

#include <map>
#include <string>
#include <string_view>

namespace railhead {

/// Replaces each ${name} by its value, and ${$} by a dollar sign. A name that is not in `values` is left as
/// it stands, for it is the user's own text; but a missing ${file.NAME} is an error (internal) that names it
/// and what is known.
Result<std::string> fill(std::string_view text, const std::map<std::string, std::string>& values);

/// The process with every placeholder that an agent knows filled: env, cwd, milestones' arguments, and argv
/// of services and hooks. A driver's and a rank's words are the user's own and no template.
Result<Process> filled(Process process, const std::map<std::string, std::string>& values);

/// `base` without the names in `unset` (a trailing * is a prefix), then with `added`.
std::map<std::string, std::string> environment_for(std::map<std::string, std::string> base,
                                                   const std::vector<std::string>& unset,
                                                   const std::map<std::string, std::string>& added);

} // namespace railhead
