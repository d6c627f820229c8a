#pragma once
#include "launcher/agent/task.hpp"

#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// File of a rank's standard error (rank_logs_mark) in a launch's directory; empty: there is nothing in it.
std::string rank_error_log(const std::string& dir, int rank);

/// The error code that a log says MPI_Abort was called with, as Open MPI 4 and 5, MPICH and Intel MPI say it.
std::optional<int> mpi_abort_code(const std::vector<std::string>& log);

/// A rank whose log says that it called MPI_Abort, as of when it said so: what it ends with is the code's
/// last byte, as of exit(3). MPI has all ranks killed then, and that one may not be the first to go.
std::optional<FailedTask> aborted_task(const std::string& dir, int rank);

} // namespace railhead
