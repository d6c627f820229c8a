#pragma once
#include "base/error.hpp"
#include "launcher/plan.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace railhead {

/// Messages of the control channel: one JSON object per line, at most this many bytes with its newline. An
/// order holds a program's command line and environment: Linux passes 6 MiB of these at most (execve(2)).
inline constexpr std::size_t max_frame_bytes = 8 * 1024 * 1024;
inline constexpr std::size_t max_event_bytes = 64 * 1024; ///< of what agents say

/// What the supervisor hands every agent as one JSON line on srun's standard input.
struct Invitation {
    int v = 1;
    std::vector<std::string> addresses; ///< of the supervisor, best first
    std::uint16_t port = 0;
    std::string key;    ///< 64 hex digits; pre-shared key of TLS 1.3
    std::string launch; ///< hex digits, part of the directory's name (LaunchName)
    std::string tmp;    ///< base of the directory, "/tmp"
    double loss_after_s = 60;
    double grace_s = 2;
    std::string interface, subnet, ip_version; ///< address policy
    std::string cwd;
    int component = 0; ///< of the allocation: index of the heterogeneous group
    std::vector<std::string>
        probes; ///< recipe facts that Hello::probed must hold: "ray" asks for Ray's and Python's version
    std::map<std::string, std::string> probe_args; ///< "ray" -> program path
    double probe_within_s = 20;                    ///< for each of them, well within the bring-up's time-out
    double after_s = 0;         ///< for the command after the end (Role::after); 0: there is none
    std::string batch_job;      ///< that Slurm leaves alone when this host of its batch script, and of the
    std::string batch_host;     ///< supervisor, is lost; empty: none
    bool batch_requeue = false; ///< it goes back to the queue then; else it is cancelled
};

struct Gpu {
    int index = 0;
    std::string id; ///< as in CUDA_VISIBLE_DEVICES
};

/// What a node really gives to this job. An unknown number is absent, with a finding that says why.
/// What an agent says on its standard error, behind "railhead: NODE: ", when it ends its part.
inline constexpr std::string_view agent_gives_up = "the supervisor was not heard for ";

struct Hello {
    int v = 1;
    std::string node;
    int component = 0;
    std::vector<std::string> addresses; ///< announced address first
    std::vector<int> cpus;              ///< sched_getaffinity
    std::optional<std::uint64_t> mem_bytes, shm_bytes, tmp_free_bytes, tmp_free_files, nofile;
    std::optional<std::uint64_t> file_bytes, address_space; ///< ulimit -f and -v; absent: no limit
    std::vector<Gpu> gpus;
    std::string topology_addr; ///< SLURM_TOPOLOGY_ADDR; empty: none
    std::string dir;           ///< the launch's directory on this node
    int step_id = -1;
    std::map<std::string, std::string> versions; ///< "railhead", "ray", "python"
    std::map<std::string, std::string>
        traits;                    ///< of the node, which its others should share (node_probe_name)
    std::uint16_t reach_port = 0;  ///< where others may try to reach it (reach_probe_name); 0: nowhere
    std::vector<Finding> findings; ///< level fail: the launch cannot work here
};

/// For the command after the end, on each node: then it is killed.
inline constexpr double after_node_within_s = 60;

/// Id of an agent's finding that its step has lost slurmstepd: srun waits for that node in vain.
inline constexpr std::string_view stepd_gone = "slurmstepd-gone";
/// Id of an agent's finding that nothing can be written any more on its node: nothing starts so.
inline constexpr std::string_view no_room = "tmp-full-now";

/// How a process ended.
struct Ended {
    std::optional<int> code;   ///< exited with
    std::optional<int> signal; ///< killed by
    bool oom = false;          ///< the kernel's OOM killer was seen in this process's cgroup or log
    double oom_ago_s = 0;      ///< it was, so long before, while this process ran; 0: it was not, or `oom`
    /// Of the process's tasks (agent/task.hpp) the one that failed first: code, signal and log are its own.
    std::optional<int> rank{};
    bool with_step = false; ///< together with what would have told how: Slurm kills a whole step
    bool operator==(const Ended&) const = default;
};

/// Agent -> supervisor.
struct Event {
    enum class Type {
        bound,     ///< id: port name; value: the port
        started,   ///< id: process; value: pid
        taken,     ///< id: the process has taken the last chunk of its input, or never will
        milestone, ///< id, name, value
        published, ///< answers an order `publish`, also where the file could not be written
        exited,    ///< id, ended; of a failure, lines: the end of its log; name: the id under which that is
                   ///< brought
        log_tail,  ///< id, lines: answers an order `tail`; value: Milestones::missing()
        log_back,  ///< id: "head.log"; value: a chunk of at most 32 KiB, in order
        survivor,  ///< finding
        finding,   ///< finding; level fail: the launch cannot go on
        stopped,   ///< the agent was told to end by a signal; value: its number
        reached,   ///< answers an order `reach`; lines: "NODE ADDRESS WHY" of each that was not
        cleared,   ///< answers an order `clear`
        bye,       ///< nothing of the launch is left on the node but what survivors say
    } type = Type::started;
    std::string id;    ///< process, port name, ...
    std::string name;  ///< milestone
    std::string value; ///< port number, milestone's value, pid
    double t = 0;      ///< seconds since the agent's start
    double at_s = 0;   ///< of `exited`: when, in seconds since the epoch by the node's clock
    std::optional<Ended> ended;
    std::optional<Finding> finding;
    std::vector<std::string> lines; ///< log tail, oldest first
};

/// Supervisor -> agent.
struct Order {
    enum class Type {
        reserve, ///< a port: id; text: "LOW-HIGH"; line: PortSpec::owner
        start,   ///< process; number: window of its terminal, rows << 16 | columns
        release, ///< id, line
        input,   ///< id; bytes: a chunk of its standard input, answered by `taken`; none: its end
        signal,  ///< id, number
        warn,    ///< number: signal for the user's processes, or 0; makes ${dir}/warning
        tail,    ///< id; number: lines; answered by log_tail
        window,  ///< id; number: rows << 16 | columns
        publish, ///< text: JSON kept as ${dir}/attach.json (0600) for `railhead attach`; the agent fills
                 ///< ${dir} and adds its PATH and the like (agent/attach_env.hpp)
        reach,   ///< text: "NODE ADDRESS PORT" lines: connect to each
        clear,   ///< as leave, but the agent stays with an empty directory, for a next attempt
        leave,   ///< seconds: grace. Stop everything, send back the last `number` bytes of each log (0: none)
                 ///< as log_back, name survivors, remove the directory, say bye. text: exit code and cause of
                 ///< the launch, "3 exit"
    } type = Type::start;
    std::string id;
    std::optional<Process> process; ///< placeholders of the supervisor are filled
    std::string line;
    int number = 0;
    std::string text;
    std::vector<std::uint8_t> bytes;
    double seconds = 0;
};

std::string to_line(const Invitation&);
Result<Invitation> invitation_from(std::string_view line);

/// In Invitation::probe_args: the command that will be run ("program.NAME": that of a group); an agent that
/// does not find it has a finding whose id begins so.
inline constexpr std::string_view program_probe_name = "program";
/// In Invitation::probes: look at the node (preflight/node_checks.hpp); so begin the ids of what is wrong
/// there.
inline constexpr std::string_view node_probe_name = "node";
/// In Invitation::probes: listen on a port, for others to try.
inline constexpr std::string_view reach_probe_name = "reach";
/// So begins the id of the finding of an agent that does not find Invitation::cwd.
inline constexpr std::string_view folder_probe_name = "folder";

/// Frames of the channel. `seq` numbers Hello, Event and Order per direction from 1; a peer that reconnects
/// resends what was not acknowledged, and the receiver drops what it has already seen.
struct Frame {
    enum class Type { hello, event, order, ack, ping, welcome, terminal } type = Type::ping;
    std::uint64_t seq = 0; ///< event, order: own number; hello, ack, welcome: last one received
    std::variant<std::monostate, Hello, Event, Order> body;
};

std::string to_line(const Frame&); ///< with newline; an event is cut so that it fits max_event_bytes
/// Error (internal) names the field; never throws, whatever the input.
Result<Frame> frame_from(std::string_view line);

} // namespace railhead
