#pragma once
#include "lint/script.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// Adds the options among the words; `line` and `component` go into each.
void add_options(std::vector<ScriptOption>& options, const std::vector<std::string>& words, int line,
                 int component);

/// Adds what sbatch takes from a "#PBS" line that a rule looks at: -A, -q, -t, -J, and of -l nodes (ppn,
/// gpus), select (ncpus, mpiprocs), walltime, cput, mem and naccelerators. It holds for every component (seen
/// on 22.05 and 24.11).
void add_pbs_options(std::vector<ScriptOption>& options, const std::vector<std::string>& words, int line);

/// Whether an option has no value, or one after "=" only: the word that follows is not its own.
bool is_alone(std::string_view name);

/// Whether sbatch carries the option over to the later components of a heterogeneous job.
bool is_of_all_components(std::string_view name);

/// The options that the SBATCH_* variables stand for, as words: they win over the script's and lose against
/// the command line's.
std::vector<std::string> environment_options(const std::map<std::string, std::string>& variables);

} // namespace railhead
