#pragma once
#include "base/finding.hpp"
#include "lint/script.hpp"

#include <functional>
#include <string>
#include <vector>

namespace railhead {

/// What only a script shows, each with what to write instead. Pure but for `exists`: whether a path, as the
/// job will see it, is there. Each finding's `where` is "NAME:LINE". A script that is right has none.
std::vector<Finding> check_script(const Script& script,
                                  const std::function<bool(const std::string&)>& exists);

/// The part of check_script in header_checks.cpp: what sbatch will not read, and options that are not passed
/// on to srun.
void check_header(const Script& script, std::vector<Finding>& findings);
/// In launch_checks.cpp: how the program is started on the nodes.
void check_launch(const Script& script, std::vector<Finding>& findings);
/// In path_checks.cpp: files and folders that are not there.
void check_paths(const Script& script, const std::function<bool(const std::string&)>& exists,
                 std::vector<Finding>& findings);

/// Whether `word` stands in `text` as a word of its own: not a part of a longer name.
bool mentions(std::string_view text, std::string_view word);

/// "job.sh:12"
std::string place(const Script& script, int line);

/// The number that an option gives; `otherwise` when it gives none.
long number_of(const Script& script, std::string_view option, long otherwise);

/// What follows "srun" in a line's words: from its first option on; empty: the line starts no step.
std::vector<std::string> srun_words(const ScriptLine& line);

} // namespace railhead
