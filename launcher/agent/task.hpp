#pragma once
#include "base/child.hpp"
#include "base/environment.hpp"
#include "launcher/wire.hpp"

#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// `railhead task -- COMMAND`: what torchrun starts in a rank's place, and below `railhead ranks`
/// (agent/ranks.hpp) srun and mpirun. Runs the command with the caller's
/// input and output, ends as it ended, and leaves a record of a failure in the launch's directory
/// (RAILHEAD_JOB_DIR), because nobody else can tell when which rank failed. Signals of its group reach the
/// command directly; those for it alone wait for the command's end.
int run_task(const Environment& environment, const std::vector<std::string>& command);

struct FailedTask {
    Ended ended;     ///< with its rank
    double at_s = 0; ///< seconds since the epoch
    std::string log; ///< file of its standard error; empty: unknown
};
std::string text_of(const FailedTask& task);
/// Absent when it is none: the user's own program can write there, too.
std::optional<FailedTask> failed_task_from(const std::string& text);
/// `place`: what tells the tasks of a process apart.
std::string record_path(const std::string& dir, const std::string& process, const std::string& place);
void write_record(const std::string& path, const FailedTask& task);
/// The exit code of a program that did not start: 127 if it could not be executed, as shells have it, else
/// Railhead's own.
int code_of_no_start(const Error& error);
/// Ends this process as a child ended, so that who waits for us sees it.
int end_as(const ChildStatus& status);

/// The first that failed, since torchrun last started them, of the tasks of a process; absent: none did, or
/// none is known.
std::optional<FailedTask> first_failed_task(const std::string& dir, const std::string& process);

/// What torchrun itself says in its TORCHELASTIC_ERROR_FILE, as lines like those of a log: the stack, then
/// "DistNetworkError: The server socket ...". None when there is no such file or nothing in it.
std::vector<std::string> own_reason(const std::string& path);

} // namespace railhead
