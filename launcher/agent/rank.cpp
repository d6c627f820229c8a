// `railhead task` of a rank that srun or mpirun has started.
#include "base/clock.hpp"
#include "base/number.hpp"
#include "launcher/agent/logs.hpp"
#include "launcher/agent/node_limits.hpp"
#include "launcher/agent/rank_link.hpp"
#include "launcher/agent/rank_logs.hpp"
#include "launcher/agent/ranks.hpp"
#include "launcher/agent/reaper.hpp"
#include "launcher/agent/task.hpp"
#include "launcher/signals.hpp"

#include <fmt/core.h>

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <map>

namespace railhead {
namespace {

constexpr double kill_within_s = 1;

int rank_of(const Environment& environment) {
    for (const char* name : {"PMIX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"})
        if (auto number = whole_number<int>(environment.get(name).value_or(""))) return *number;
    return -1;
}

std::uint64_t kills_here(const std::optional<CgroupPlace>& place) {
    return place ? oom_kills(*place).value_or(0) : 0;
}

class RankTask {
  public:
    RankTask(const Environment& environment, UniqueFd link)
        : rank_(rank_of(environment)), dir_(environment.get("RAILHEAD_JOB_DIR").value_or("")),
          to_files_(environment.get(rank_logs_mark).has_value() && rank_ >= 0), link_(std::move(link)),
          cgroup_(memory_cgroup_of_self()), kills_(kills_here(cgroup_)) {
        sigset_t set;
        sigemptyset(&set);
        for (int number : {SIGCHLD, SIGTERM}) sigaddset(&set, number);
        // Slurm sends them to our agent, too, and so they reach the rank once.
        for (int number : launch_signals)
            if (number != SIGTERM) std::signal(number, SIG_IGN);
        sigprocmask(SIG_BLOCK, &set, nullptr);
        signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
        say({});
    }

    int run(std::map<std::string, std::string> variables, const std::vector<std::string>& command) {
        ChildSpec spec{.argv = command, .env = std::move(variables)};
        spec.input = ChildSpec::Input::fd;
        spec.stdin_fd = STDIN_FILENO;
        spec.group = ChildSpec::Group::own_group; // so that one signal is heard once
        spec.keep_descriptors = true;             // PMI's connection
        spec.death_signal = SIGKILL;
        auto child = start(spec);
        if (!child) {
            fmt::print(stderr, "railhead: {}\n", sentence(child.error()));
            say({.code = code_of_no_start(child.error())});
            return code_of_no_start(child.error());
        }
        std::optional<ChildStatus> status;
        while (!(status = child->poll())) look(*child);
        Ended ended;
        (status->kind == ChildStatus::Kind::exited ? ended.code : ended.signal) = status->value;
        ended.oom = !status->success() && kills_here(cgroup_) > kills_;
        say(ended);
        return end_as(*status);
    }

  private:
    Result<Child> start(ChildSpec& spec) const {
        if (!to_files_) return Child::start(spec);
        auto output = open_log(log_path(dir_, rank_log_name(rank_) + ".out"));
        auto errors = open_log(log_path(dir_, rank_log_name(rank_) + ".err"));
        if (!output || !errors) return tl::unexpected(output ? errors.error() : output.error());
        spec.stdout_fd = output->get();
        spec.stderr_fd = errors->get();
        return Child::start(spec);
    }

    void say(Ended ended) {
        ended.rank = rank_;
        send_packet(link_.get(),
                    text_of({.ended = ended, .at_s = wall_s(), .log = rank_error_log(dir_, rank_)}));
    }

    void look(Child& child) {
        pollfd ready[]{{signals_.get(), POLLIN, 0}, {gone_ ? -1 : link_.get(), POLLIN, 0}};
        poll(ready, 2, gone_ ? std::max(1, static_cast<int>((kill_at_s_ - monotonic_s()) * 1000)) : -1);
        signalfd_siginfo info{};
        while (read(signals_.get(), &info, sizeof info) == sizeof info)
            if (info.ssi_signo == SIGTERM) child.signal_group(SIGTERM);
        if (ready[1].revents) hear(child);
        if (!gone_ || monotonic_s() < kill_at_s_) return;
        child.signal_group(SIGKILL);
        for (auto& entry : living_descendants()) signal_process(entry, SIGKILL);
        kill_at_s_ = monotonic_s() + kill_within_s; // what forks may escape one round
    }

    /// `railhead ranks` goes when the launch ends, or its agent was killed: then we shall not live on.
    void hear(Child& child) {
        auto packet = receive_packet(link_.get());
        auto told = told_from(packet);
        gone_ = packet.empty();
        if (!told) return;
        child.signal_group(told->signal);
        if (told->signal == SIGTERM) kill_at_s_ = monotonic_s() + told->grace_s;
    }

    int rank_;
    std::string dir_;
    bool to_files_;
    UniqueFd link_, signals_;
    std::optional<CgroupPlace> cgroup_;
    std::uint64_t kills_;
    bool gone_ = false;
    double kill_at_s_ = 0;
};

/// Without what was for mpirun's daemons.
std::map<std::string, std::string> environment_of_rank(const Environment& environment) {
    auto variables = environment.all();
    auto before = environment.get("RAILHEAD_TMPDIR"); // recipes/mpi.cpp
    variables.erase("RAILHEAD_TMPDIR");
    variables.erase(rank_logs_mark);
    if (before && before->empty()) variables.erase("TMPDIR");
    if (before && !before->empty()) variables["TMPDIR"] = *before;
    return variables;
}

} // namespace

int run_rank(const Environment& environment, const std::vector<std::string>& command) {
    auto link = connect_to_ranks(environment.get(ranks_mark).value_or(""));
    if (!link) {
        fmt::print(stderr, "railhead: {}\n", sentence(link.error()));
        return exit_code(ErrorKind::bringup_failed);
    }
    return RankTask(environment, std::move(*link)).run(environment_of_rank(environment), command);
}

} // namespace railhead
