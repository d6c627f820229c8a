#include "launcher/agent/reaper.hpp"

#include "base/clock.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/ranks.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace railhead {
namespace {

constexpr std::size_t max_environ_bytes = 2 << 20;

std::string environ_of(pid_t pid) {
    return read_text("/proc/" + std::to_string(pid) + "/environ", max_environ_bytes).value_or(std::string());
}

bool is_ours(pid_t pid) {
    struct stat status {};
    return stat(("/proc/" + std::to_string(pid)).c_str(), &status) == 0 && status.st_uid == geteuid();
}

std::set<pid_t> self_and_ancestors(const std::vector<ProcEntry>& table) {
    std::set<pid_t> line;
    for (pid_t pid = getpid(); pid > 0 && line.insert(pid).second;) {
        auto entry = std::find_if(table.begin(), table.end(), [&](auto& e) { return e.pid == pid; });
        pid = entry == table.end() ? 0 : entry->ppid;
    }
    return line;
}

void drop_zombies(std::vector<ProcEntry>& entries) {
    std::erase_if(entries, [](auto& entry) { return entry.state == 'Z' || entry.state == 'X'; });
}

void short_pause(double& seconds) {
    usleep(static_cast<useconds_t>(seconds * 1e6));
    seconds = std::min(seconds * 2, 0.02);
}

} // namespace

void become_subreaper() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void reap_all(const OnReaped& on_reaped) {
    int word = 0;
    for (pid_t pid; (pid = waitpid(-1, &word, WNOHANG)) > 0;)
        if (on_reaped) on_reaped(pid, child_status_from(word));
}

std::vector<ProcEntry> living_descendants() {
    auto found = descendants_of(getpid(), read_proc_table());
    drop_zombies(found);
    return found;
}

// Also until the zombies are reaped: Slurm looks for a step's processes a second after it has seen one in its
// cgroup, and one that has several threads is no zombie to wait for before the last of them is gone.
std::vector<ProcEntry> kill_descendants(double bound_s, const OnReaped& on_reaped) {
    auto deadline = Deadline::in(bound_s);
    for (double pause_s = 0.001;; short_pause(pause_s)) {
        reap_all(on_reaped);
        auto left = descendants_of(getpid(), read_proc_table());
        if (left.empty() || deadline.passed()) {
            drop_zombies(left);
            return left;
        }
        for (auto& entry : left) signal_process(entry, SIGKILL);
    }
}

std::vector<ProcEntry> kill_processes(std::vector<ProcEntry> processes, double bound_s) {
    auto deadline = Deadline::in(bound_s);
    for (double pause_s = 0.001;; short_pause(pause_s)) {
        std::vector<ProcEntry> left;
        for (auto& entry : processes)
            if (auto now = read_proc(entry.pid); now && now->start == entry.start) left.push_back(*now);
        drop_zombies(left);
        if (left.empty() || deadline.passed()) return left;
        for (auto& entry : left) signal_process(entry, SIGKILL);
        processes = std::move(left);
    }
}

std::vector<ProcEntry> escaped(const std::string& launch, const std::string& job) {
    auto table = read_proc_table();
    auto ours = self_and_ancestors(table);
    std::vector<ProcEntry> found;
    for (auto& entry : table) {
        if (ours.count(entry.pid) || entry.state == 'Z' || !is_ours(entry.pid)) continue;
        auto block = environ_of(entry.pid);
        // The job's number too: a job submitted by one of ours inherits our mark, but not our number.
        if (environ_value(block, launch_mark) == launch && environ_value(block, "SLURM_JOB_ID") == job)
            found.push_back(entry);
    }
    return found;
}

bool is_rank_of_step(pid_t pid) {
    return environ_value(environ_of(pid), ranks_mark).has_value();
}

std::vector<ProcEntry> tree_of(pid_t leader, const std::string& id) {
    auto table = read_proc_table();
    std::set<pid_t> below;
    for (auto& entry : descendants_of(leader, table)) below.insert(entry.pid);
    auto ours = descendants_of(getpid(), table);
    drop_zombies(ours);
    std::erase_if(ours, [&](auto& entry) {
        return entry.pid != leader && !below.count(entry.pid) && entry.session != leader &&
               environ_value(environ_of(entry.pid), process_mark) != id;
    });
    return ours;
}

} // namespace railhead
