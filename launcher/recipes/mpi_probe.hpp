#pragma once
#include "launcher/recipes/python_of.hpp"

#include <string>

namespace railhead {

/// In Invitation::probes; in probe_args so too: the program mpirun, a path or a name; empty: "mpirun".
inline constexpr std::string_view mpi_probe_name = "mpi";

/// What an agent says about MPI on its node, as far as it is there:
///   "mpi.pmix"     "yes": Slurm has `srun --mpi=pmix` there
///   "mpi.program"  path of mpirun
///   "mpi.version"  of Open MPI, if it is that: "5.0.7"
/// Nothing of it is an error: the recipe knows what it needs. Blocks for at most twice `seconds`.
Probe probe_mpi(const std::string& program, const Environment& environment, double seconds);

/// Whether the answer to `srun --mpi=list` has a line for it.
bool lists_pmix(std::string_view answer);
/// "mpirun (Open MPI) 5.0.7" -> "5.0.7"; empty: another MPI's.
std::string open_mpi_version(std::string_view answer);

} // namespace railhead
