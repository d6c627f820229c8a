#pragma once
#include "base/error.hpp"
#include "launcher/plan.hpp"
#include "launcher/wire.hpp"
#include "slurm/allocation.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// Why the launch ended. `kind` is one of the names of ErrorKind, or "exit" and "signal" for the user's own
/// program.
struct Cause {
    std::string kind = "exit";
    std::string process;       ///< id in the plan; empty: none in particular
    std::optional<int> rank{}; ///< that failed, where it is known
    std::string node;
    std::string sentence;
    std::vector<std::string> log_tail; ///< oldest first
    std::string log{};                 ///< its path where it was brought; before that its id; empty: unknown
};

struct PhaseTime {
    std::string name; ///< step, agents, ports, start, run, end
    double start_s = 0;
    double s = 0;
};

struct NodeReport {
    std::string name, address, leaf;
    int cpus = 0;
    int gpus = 0;
    std::optional<double> agent_s; ///< seconds from the start of the launch until its agent said hello
    std::optional<double> ready_s; ///< until everything on it was up
};

/// A user's command of one node before or after all else.
struct HookRun {
    std::string node, name; ///< name: before, after
    double s = 0;
    std::optional<int> exit_code{}; ///< absent: a signal ended it
};

/// What a launch says of itself at its end; docs/schema/report.json.
struct Report {
    int v = 1;
    std::string version;
    std::string job;
    std::string recipe;
    int attempt = 0;
    int exit_code = 0;
    Cause cause;
    std::vector<Cause> victims;  ///< what failed after the headline
    std::vector<Cause> restarts; ///< why it was started again, oldest first
    std::vector<PhaseTime> phases;
    std::optional<double> ready_s;
    double whole_s = 0;
    std::vector<NodeReport> nodes;
    std::size_t job_nodes = 0; ///< that the job has; 0: not known
    std::vector<HookRun> hooks;
    std::vector<Finding> findings;
    std::vector<Finding> survivors;
    std::string log_dir; ///< where logs were brought; empty: nowhere
};

/// What the supervisor measured while a launch ran; agents by peer name.
struct Measured {
    const Allocation& allocation;
    const std::map<std::string, Hello>& hellos;
    const std::map<std::string, double>& hello_s;
    std::vector<PhaseTime> phases;
    std::optional<double> ready_s;
    double whole_s = 0;
};
class Launch;
struct Outcome;
/// The report of a launch that was refused before anything ran.
Report report_of(const Outcome& refusal, const std::string& recipe, double whole_s);
/// The report of a launch that is over, without job, attempt and log_dir.
Report report_of(const Launch& launch, const Measured& measured);

nlohmann::json to_json(const Report& report);
/// What is printed at the end of a launch, a line each, without the "railhead: " in front. A failure's
/// sentence is not among them: it was printed when the end was decided.
std::vector<std::string> summary_of(const Report& report);

} // namespace railhead
