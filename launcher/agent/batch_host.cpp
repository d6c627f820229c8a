#include "launcher/agent/batch_host.hpp"

#include "base/child.hpp"
#include "base/clock.hpp"
#include "base/number.hpp"
#include "launcher/agent/reach.hpp"

#include <fmt/core.h>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace railhead {
namespace {

constexpr double watch_for_s = 600, ask_every_s = 5, answer_within_s = 10;
constexpr int first_node = 1, last_node = 3; ///< by SLURM_NODEID: the batch script is on 0

std::string answer_of(std::vector<std::string> command, const Environment& environment) {
    auto answer = capture({.argv = std::move(command), .env = environment.all()}, answer_within_s);
    return answer ? answer->out : std::string();
}

/// Of "SlurmdPort              = 6818"; absent: slurmctld does not answer.
std::optional<std::uint16_t> slurmd_port(const Environment& environment) {
    const auto config = answer_of({"scontrol", "show", "config"}, environment);
    auto at = config.find("\nSlurmdPort ");
    at = at == config.npos ? at : config.find_first_of("0123456789", at);
    if (at == config.npos) return std::nullopt;
    return whole_number<std::uint16_t>(config.substr(at, config.find_first_not_of("0123456789", at) - at));
}

bool told_to_end_within(int signals, double seconds) {
    const auto deadline = Deadline::in(seconds);
    while (!deadline.passed()) {
        pollfd ready{.fd = signals, .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, deadline.left_ms()) <= 0) continue;
        signalfd_siginfo info{};
        while (read(signals, &info, sizeof info) == sizeof info)
            if (info.ssi_signo != SIGCHLD) return true;
    }
    return false;
}

} // namespace

bool is_lost(std::string_view shown) {
    constexpr std::string_view key = "State=";
    const auto at = shown.find(key);
    if (at == shown.npos) return false;
    auto state = shown.substr(at + key.size());
    state = state.substr(0, state.find_first_of(" \n"));
    return state.starts_with("DOWN") || state.find('*') != state.npos ||
           state.find("NOT_RESPONDING") != state.npos;
}

void end_job_of_lost_batch_host(const Invitation& invitation, const Environment& environment, int signals) {
    const auto number = whole_number<int>(environment.get("SLURM_NODEID").value_or(""));
    if (invitation.batch_job.empty() || !number || *number < first_node || *number > last_node) return;
    if (told_to_end_within(signals, *number - first_node)) return; // one is enough
    for (const auto deadline = Deadline::in(watch_for_s);;) {
        const auto port = slurmd_port(environment);
        auto answers = [&](const std::string& address) { return can_connect(address, *port); };
        if (port && std::ranges::any_of(invitation.addresses, answers)) return; // the launch alone is gone
        if (port && is_lost(answer_of({"scontrol", "show", "node", invitation.batch_host}, environment)))
            break;
        if (deadline.passed() || told_to_end_within(signals, ask_every_s)) return;
    }
    const auto script =
        invitation.batch_requeue ? "exec scontrol requeue \"$0\" 2>&1" : "exec scancel \"$0\" 2>&1";
    const auto said = answer_of({"sh", "-c", script, invitation.batch_job}, environment);
    fmt::print(stderr, "railhead: {}, where the batch script ran, is lost: the job {}{}\n",
               invitation.batch_host, invitation.batch_requeue ? "goes back to the queue" : "is cancelled",
               said.empty() ? "" : " (" + said.substr(0, said.find('\n')) + ")");
}

} // namespace railhead
