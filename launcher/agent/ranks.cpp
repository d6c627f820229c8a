#include "launcher/agent/ranks.hpp"

#include "base/clock.hpp"
#include "base/number.hpp"
#include "launcher/agent/rank_link.hpp"
#include "launcher/agent/rank_logs.hpp"
#include "launcher/agent/reaper.hpp"
#include "launcher/agent/task.hpp"
#include "launcher/signals.hpp"

#include <fmt/core.h>

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace railhead {
namespace {

UniqueFd take_launch_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (int number : launch_signals) sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

constexpr int grace_look_ms = 50;

void log_line(const std::string& text) {
    fmt::print("{}\n", text);
    std::fflush(stdout);
}

class Ranks {
  public:
    Ranks(const Environment& environment, std::size_t count, double grace_s, UniqueFd listener)
        : count_(count), grace_s_(grace_s), dir_(environment.get("RAILHEAD_JOB_DIR").value_or("")),
          record_(record_path(dir_, environment.get(process_mark).value_or(""), "first")),
          listener_(std::move(listener)), signals_(take_launch_signals()) {
        unlink(record_.c_str()); // of an earlier start
    }

    int run() {
        log_line(ranks_listen);
        while (!failed_ && good_ < count_ && !(leaving_ && here_.empty())) look(-1);
        if (!failed_) return 0;
        tell(SIGTERM);
        write_record(record_, *failed_);
        // Our end tells of the failure; a child stands for the other ranks until they are gone.
        if (!here_.empty() && fork() == 0) return outlast();
        return failed_->ended.signal ? 128 + *failed_->ended.signal : failed_->ended.code.value_or(1);
    }

  private:
    struct Rank {
        UniqueFd link;
        int number = -1;
    };

    int outlast() {
        for (auto deadline = Deadline::in(grace_s_); !here_.empty() && !deadline.passed();)
            look(grace_look_ms);
        return 0;
    }

    void look(int within_ms) {
        std::vector<pollfd> ready{{signals_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
        for (auto& rank : here_) ready.push_back({rank.link.get(), POLLIN, 0});
        poll(ready.data(), ready.size(), within_ms);
        if (ready[0].revents) pass_signals();
        for (std::size_t i = here_.size(); i-- > 0;)
            if (ready[i + 2].revents && !hear(here_[i])) here_.erase(here_.begin() + static_cast<long>(i));
        if (ready[1].revents)
            if (auto link = accept_task(listener_.get())) here_.push_back({std::move(link)});
    }

    /// False: it has ended.
    bool hear(Rank& rank) {
        auto text = receive_packet(rank.link.get());
        auto said = failed_task_from(text);
        if (said && !said->ended.code && !said->ended.signal) { // its start
            rank.number = said->ended.rank.value_or(-1);
            if (++seen_ == count_) log_line(ranks_run);
            return true;
        }
        if (!said) said = killed(rank.number);
        if (said->ended.code == 0)
            ++good_;
        else if (!failed_)
            failed_ = std::move(said);
        return false;
    }

    /// With its task, which could not say how.
    FailedTask killed(int number) {
        for (const auto& rank : here_) // MPI_Abort kills all: who called it, is the first
            if (auto aborted = aborted_task(dir_, rank.number)) return *aborted;
        return {.ended = {.code = {}, .signal = SIGKILL, .oom = false, .rank = number, .with_step = true},
                .at_s = wall_s(),
                .log = rank_error_log(dir_, number)};
    }

    void pass_signals() {
        signalfd_siginfo info{};
        while (read(signals_.get(), &info, sizeof info) == sizeof info) {
            auto number = static_cast<int>(info.ssi_signo);
            leaving_ = leaving_ || number == SIGTERM;
            if (!failed_) tell(number); // they were told to end
        }
    }

    void tell(int signal) {
        for (auto& rank : here_) send_packet(rank.link.get(), packet_of({signal, grace_s_}));
    }

    std::size_t count_, seen_ = 0, good_ = 0;
    double grace_s_;
    std::string dir_, record_;
    UniqueFd listener_, signals_;
    std::vector<Rank> here_;
    std::optional<FailedTask> failed_;
    bool leaving_ = false;
};

} // namespace

int run_ranks(const Environment& environment, const std::vector<std::string>& words) {
    auto count = words.size() == 2 ? whole_number<std::size_t>(words[0]) : std::nullopt;
    auto grace_s = words.size() == 2 ? std::atof(words[1].c_str()) : 0.0;
    auto path = environment.get(ranks_mark);
    if (!count || !path) {
        fmt::print(stderr, "railhead: do not run 'railhead ranks' by hand\n");
        return exit_code(ErrorKind::usage);
    }
    auto listener = listen_for_tasks(*path);
    if (!listener) {
        fmt::print(stderr, "railhead: {}\n", sentence(listener.error()));
        return exit_code(ErrorKind::internal);
    }
    return Ranks(environment, *count, grace_s, std::move(*listener)).run();
}

} // namespace railhead
