#pragma once
#include "base/child.hpp"
#include "launcher/supervisor/report.hpp"
#include "launcher/wire.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// How a launch ends: the exit code and the reason for it.
struct Outcome {
    int exit_code = 0;
    Cause cause;
    std::string port_taken; ///< says that another program bound the process's port first; empty: none did
};

/// A recipe's knowledge of its services' logs: one sentence of cause from the end of a log, or empty.
using Explain = std::function<std::string(const Process&, const std::vector<std::string>& log)>;

/// "ended with exit code 3", "was killed by SIGKILL", "was killed by the out-of-memory killer".
std::string ending_of(const Ended& ended);
std::string signal_name(int number);

/// The outcome when this process ended. Driver and ranks: their own code, or 128 + signal; services: 105 or
/// the better cause.
Outcome outcome_of(const Process& process, const std::string& node, const Ended& ended,
                   const std::vector<std::string>& log, const Explain& explain);

/// Who sent a signal that ends the launch, as far as is known.
enum class Sender { unknown, time_limit, preemption };
/// Told to end by a signal. `meanwhile`: what it was busy with, if not with the launch.
Outcome outcome_of_signal(int number, Sender sender, const std::string& meanwhile = {});

/// The outcome of a failure of Railhead's own.
Outcome outcome_of(ErrorKind kind, std::string sentence, std::string node = {},
                   std::vector<std::string> log = {});
/// `nodes`: the launch's; the cause is on the one with whose name the error's `where` begins ("node2 (also
/// node3)").
Outcome outcome_of(const Error& error, const std::vector<std::string>& nodes = {});
/// "srun: error: Task launch for StepId=88.0 failed on node a100-2: Communication connection failure"
inline constexpr std::string_view launch_failed = " failed on node ";
/// Before the plan, of the nodes whose agents are missing.
struct Missing {
    std::vector<std::string> nodes;
    std::vector<std::string> not_started; ///< Steps::not_started()
};
/// "waiting for agents on node[1-4]"
std::string waiting_for(const Missing& missing);
/// An agent ended by itself: `how`, and what was said there before.
Outcome outcome_of_gone(const std::string& node, const std::string& how, const std::string& words);
/// The agent of a node is gone; `when`: "during bring-up".
Outcome outcome_of_loss(const std::string& node, std::string_view when, const std::string& why);
/// This process stood still for so long that the agents gave it up.
Outcome outcome_of_own_pause(double seconds);
/// Nobody of them answered in time; srun ended, with `words` as its last.
Outcome outcome_of_silence(const Missing& missing, double seconds, const std::string& address, int port);
Outcome outcome_of_srun(const ChildStatus& status, const std::string& missing, const std::string& words);
/// srun ended while all was running: killed, by scancel, or since its agents had given us up.
Outcome outcome_of_step_end(const ChildStatus& srun, const std::string& words);

} // namespace railhead
