#include "launcher/supervisor/time_limit.hpp"

#include "launcher/supervisor/ask_slurm.hpp"
#include "launcher/supervisor/surroundings.hpp"
#include "slurm/job_details.hpp"

#include <asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace railhead {
namespace {

constexpr double answer_within_s = 2; // Slurm's KillWait, after which we are killed, is 5 s or more
constexpr auto look_for_answer_every = std::chrono::milliseconds(20);
constexpr double ask_again_after_s = 10; // Slurm ends a job up to a minute after its limit

std::string text_of(int file) {
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t got;
    while ((got = pread(file, buffer.data(), buffer.size(), static_cast<off_t>(text.size()))) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    return text;
}

} // namespace

TimeLimit::TimeLimit(asio::io_context& io, const Environment& environment, const Allocation& allocation,
                     std::function<void()> on_word)
    : environment_(environment), allocation_(allocation), on_word_(std::move(on_word)),
      end_time_(allocation.end_time), timer_(io) {}

TimeLimit::~TimeLimit() {
    stop_asking();
}

bool TimeLimit::reached() const {
    return heard_ || is_over(end_time_);
}

std::optional<double> TimeLimit::left_s() const {
    return end_time_ ? std::optional(static_cast<double>(*end_time_) - wall_s()) : std::nullopt;
}

void TimeLimit::look() {
    if (!is_over(end_time_) || !next_look_.passed()) return;
    next_look_ = Deadline::in(ask_again_after_s);
    ask();
}

void TimeLimit::ask() {
    if (asking() || heard_) return;
    UniqueFd answer(memfd_create("scontrol", MFD_CLOEXEC));
    if (!answer) return;
    auto question = question_for_job(environment_, allocation_.job_id);
    question.stdout_fd = answer.get();
    question.death_signal = SIGKILL;
    auto child = Child::start(question);
    if (!child) return;
    child_ = std::move(*child);
    answer_ = std::move(answer);
    answer_by_ = Deadline::in(answer_within_s);
    await_answer();
}

void TimeLimit::await_answer() {
    timer_.expires_after(look_for_answer_every);
    timer_.async_wait([this](asio::error_code error) {
        if (error || !child_) return;
        if (child_->poll())
            take_answer();
        else if (!answer_by_.passed())
            return await_answer();
        stop_asking();
        on_word_(); // also without an answer: who waits for it goes on
    });
}

void TimeLimit::take_answer() {
    auto jobs = job_details_from(text_of(answer_.get()));
    auto own = std::ranges::find(jobs, allocation_.job_id, &JobDetails::job_id); // of an array's tasks
    if (own == jobs.end()) return;
    preempted_ = own->preempted;
    runs_ = own->state == "RUNNING";
    auto now = static_cast<std::int64_t>(wall_s());
    if (auto left = time_left_s(*own))
        end_time_ = *left < no_limit_s ? std::optional(now + *left) : std::nullopt;
}

void TimeLimit::stop_asking() {
    timer_.cancel();
    if (child_ && !child_->poll()) {
        child_->signal_group(SIGKILL);
        child_->wait(1);
    }
    child_.reset();
    answer_.reset();
}

void TimeLimit::hear(std::string_view line) {
    // "slurmstepd-node1: error: *** STEP 11.0 ON node1 CANCELLED AT 2026-11-26T12:30:40 DUE TO TIME LIMIT
    // ***"
    if (heard_ || !line.starts_with("slurmstepd")) return;
    const bool preempted = line.find("DUE TO PREEMPTION ***") != line.npos;
    if (!preempted && line.find("DUE TO TIME LIMIT ***") == line.npos) return;
    heard_ = true;
    preempted_ = preempted;
    stop_asking();
    on_word_();
}

} // namespace railhead
