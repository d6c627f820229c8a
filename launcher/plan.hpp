#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// The plan of a launch is data: a recipe makes it, --dry-run prints it, tests assert on it, the supervisor
/// carries it out.
///
/// Placeholders in argv, env, files and release lines. The supervisor fills what another process or a port
/// yields:
///   ${port.NAME}        a port that the plan reserves (see PortSpec)
///   ${PROCESS.MILESTONE} the value that a milestone yielded, for example ${head.gcs}
///   ${addr.N}           announced address of the node with index N in `order`
/// and the agent what only it knows:
///   ${dir}              the launch's directory on that node
///   ${file.NAME}        path of a secret file of that process
///   ${railhead}         path of the program railhead on that node
///   ${$}                a dollar sign: what a user wrote is no template, see literal() in recipes/recipe.hpp

/// A port that must be known before its owner binds it: the agent of `node` reserves it (launcher/ports.hpp)
/// and tells it.
struct PortSpec {
    std::string name;
    int node = 0;      ///< index in Plan::order
    std::string owner; ///< process of that node that binds it: the agent listens there until this one starts,
                       ///< and everything starts again if it ends because another program was faster
    bool operator==(const PortSpec&) const = default;
};

/// A point in the life of a process that others wait for. Kinds and their `arg`:
///   started  (no arg)            the program was executed
///   port     "HOST:PORT"         something accepts connections there; value: the port
///   http     "HOST:PORT/PATH"    a GET (HTTP/1.1, no TLS) is answered by 2xx or 3xx; value: the status
///   exists   path                a file is there, an empty one, too; value: the path
///   file     glob in ${dir}      the file exists and is not empty; value: its first line
///   line     regular expression  a line of the process's log matches; value: group 1 or the line
///   exit0    (no arg)            the process ended with status 0
struct Milestone {
    std::string name;
    std::string kind;
    std::string arg;
    double within_s = 0; ///< bound, counted from the process's start; 0: the launch's bring-up time-out
    /// What was there before the process is none of it: of `exists` a file waits until it is written anew; a
    /// `port` or `http` that is open already refuses the process.
    bool fresh = false;
    bool operator==(const Milestone&) const = default;
};

enum class Role {
    service,  ///< must live until the end; its death ends the launch (exit code 105 unless a better cause is
              ///< known)
    driver,   ///< the user's command; its end is the launch's end
    rank,     ///< one of several equal user processes; the launch ends when all have ended or one has failed
    launcher, ///< starts ranks that tell of themselves: it ends as they do, which is no cause unless it was
              ///< killed
    hook,     ///< must end with 0 before what names it in start_when starts
    after,    ///< its agent keeps it, and runs it when all else on the node has ended; see Plan::after
};

/// What the user started: it gets the signals that are meant for the program.
constexpr bool is_users(Role role) {
    return role == Role::driver || role == Role::rank;
}

struct StopSpec {
    int signal = 15;
    double grace_s = 2;     ///< then SIGKILL, for the whole tree
    bool whole_tree = true; ///< at the launch's end the signal is for all of its tree; else it ends its own
    bool operator==(const StopSpec&) const = default;
};

/// A line written to the standard input of a process that waits for it: an interpreter that has already
/// imported Ray.
struct Release {
    std::vector<std::string> when; ///< milestones "process.milestone"
    std::string line;              ///< written with a newline, then standard input is closed
    bool operator==(const Release&) const = default;
};

/// Output of a rank that a process starts elsewhere: `railhead task` writes it, the process's agent shows it.
struct RankLog {
    std::string name;    ///< "rank3": the files rank3.out and rank3.err under ${dir}/logs
    std::string console; ///< as Process::console
    bool operator==(const RankLog&) const = default;
};

struct Process {
    std::string id; ///< unique: "head", "worker.node2", "driver"
    int node = 0;   ///< index in Plan::order
    Role role = Role::service;
    std::vector<std::string> argv;
    std::map<std::string, std::string> env;          ///< added to the agent's environment
    std::vector<std::string> unset;                  ///< removed from it first; a trailing * is a prefix
    std::map<std::string, std::string> secret_files; ///< name -> content; 0600 in ${dir}; never printed
    std::string cwd;                                 ///< empty: where railhead was started
    std::string reason_file;   ///< path of the file in which PyTorch's launcher says why it failed
    bool starts_tasks = false; ///< its children are `railhead task`s, which run the user's program
    std::string log;       ///< file name under ${dir}/logs; empty: the agent's own stdout and stderr (driver)
    std::string error_log; ///< the same of its standard error; empty: in `log`, too
    std::string console; ///< of a driver, rank or launcher with a log: the agent shows its lines behind this
                         ///< prefix; empty: it does not
    std::vector<RankLog> rank_logs; ///< of the ranks that it stands for
    bool terminal = false;          ///< give it a terminal relayed to the supervisor's
    bool input = false;             ///< relay the supervisor's standard input to it; else it has /dev/null
    std::vector<std::string> start_when; ///< milestones; empty: at once
    std::optional<Release> release;
    std::vector<Milestone> milestones; ///< of which bring-up waits for all
    StopSpec stop;
    bool operator==(const Process&) const = default;
};

/// A process's id as it stands in a sentence: ids are for plan and report.
inline std::string spoken(const std::string& id) {
    return id.starts_with("rank.") ? "rank " + id.substr(5) : id;
}

struct PlanNode {
    std::string name;
    std::string address; ///< announced, without brackets
    int component = 0;   ///< index of the allocation's component
    std::string leaf;    ///< leaf group from SLURM_TOPOLOGY_ADDR; empty: unknown
    bool operator==(const PlanNode&) const = default;
};

struct Plan {
    int v = 1;
    std::string recipe;
    std::vector<PlanNode> order; ///< rank order; index 0 is the head
    std::vector<PortSpec> ports;
    std::string port_range;      ///< "LOW-HIGH" of which these are picked
    std::vector<Process> before; ///< hooks: each must be up before anything of `processes` is started
    std::vector<Process> processes;
    std::vector<Process> after; ///< of role `after`, at most one for a node
    double bringup_timeout_s = 180;
    double loss_after_s = 60;
    double grace_s = 2;
    bool keep = false; ///< no driver: stay up until Ctrl-C, scancel or the time limit
    std::map<std::string, std::string>
        attach_env;                 ///< what `railhead attach` gives to its command on the head node
    int gpus = 0;                   ///< that programs can use, on all nodes
    std::vector<std::string> notes; ///< said when everything is up; placeholders filled
    bool operator==(const Plan&) const = default;
};

} // namespace railhead
