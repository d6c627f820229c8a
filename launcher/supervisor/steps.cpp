#include "launcher/supervisor/steps.hpp"

#include "base/clock.hpp"
#include "launcher/supervisor/outcome.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <iterator>
#include <utility>

namespace railhead {
namespace {

constexpr std::size_t words_kept = 4000;
constexpr double scancel_within_s = 5;
constexpr double remove_within_s = 5;

} // namespace

Result<void> Steps::start() {
    steps_.clear();
    words_.clear();
    unfinished_.assign(allocation_.components.size(), {});
    remark_.clear();
    started_.clear();
    gone_.clear();
    int turn = turn_;
    for (std::size_t c = 0; c < allocation_.components.size(); ++c) {
        auto started = Step::start(io_, srun_command(allocation_, c, spec_),
                                   srun_environment(environment_, spec_.env), handlers_.invitation(c),
                                   {.on_stderr =
                                        [this, c, turn](std::string_view bytes) {
                                            if (turn == turn_) said(c, bytes);
                                        },
                                    .is_full = handlers_.is_full,
                                    .on_ended =
                                        [this, c, turn](const ChildStatus& status) {
                                            if (turn != turn_) return;
                                            said_line(std::exchange(unfinished_[c], {}));
                                            handlers_.on_ended(c, status);
                                        }});
        if (!started) return tl::unexpected(started.error());
        steps_.push_back(std::move(*started));
    }
    return {};
}

bool Steps::choose_broadcast(const ChildStatus& srun) {
    // "slurmstepd: error: execve(): /opt/railhead: No such file or directory"
    if (spec_.broadcast || srun.kind != ChildStatus::Kind::exited ||
        words_.find(spec_.program + ": No such file or directory") == std::string::npos)
        return false;
    spec_.broadcast = true;
    ++turn_;
    return true;
}

std::string Steps::container_trouble() const {
    std::vector<std::string> ended;
    for (const auto& each : gone_) ended.push_back(each.node);
    if (auto missing = missing_container(container_of(allocation_, spec_), words_, ended))
        return sentence(*missing);
    if (!spec_.broadcast ||
        words_.find(spec_.broadcast_to + ": No such file or directory") == std::string::npos)
        return {};
    return fmt::format(
        "the container in which the agents shall run has no {}, and does not show them the copy "
        "that srun put at {} of the node; mount the program into it (with pyxis "
        "--srun-arg=--container-mounts={})",
        spec_.program, spec_.broadcast_to, spec_.program);
}

void Steps::said(std::size_t component, std::string_view bytes) {
    auto& text = unfinished_[component];
    text.append(bytes);
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
        said_line(std::string_view(text).substr(begin, end + 1 - begin));
        begin = end + 1;
    }
    text.erase(0, begin);
    if (text.size() > words_kept) said_line(std::exchange(text, {}));
}

void Steps::said_line(std::string_view line) {
    constexpr std::string_view by_us = "railhead: ";
    if (const auto node = line.substr(std::min(by_us.size(), line.size())); line.starts_with(by_us))
        if (const auto end = node.find(": ");
            end != node.npos && node.substr(end + 2).starts_with(agent_gives_up))
            gave_up_.emplace(node.substr(0, end));
    auto text = line.substr(0, line.find_last_not_of('\n') + 1);
    if (auto node = node_that_started(text)) started_.insert(*node);
    if (auto ended = tasks_that_ended(text))
        for (auto& node : ended->nodes) gone_.push_back({node, ended->how, {}});
    if (is_chatter(text)) {
        remark_ = text;
        return;
    }
    words_.append(line);
    if (words_.size() > words_kept) words_.erase(0, words_.size() - words_kept);
    if (!ending_ || !line.starts_with("srun:")) handlers_.on_stderr(line);
}

/// The last line about the node that says more than that its task has ended.
std::string Steps::last_line_about(const std::string& node) const {
    std::string last;
    for (std::string_view rest = words_; !rest.empty();) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.find(node + ":") != line.npos && !tasks_that_ended(line)) last = line;
    }
    return last;
}

std::optional<Steps::Gone> Steps::gone(const std::vector<std::string>& missing) const {
    auto found = std::ranges::find_if(
        gone_, [&](auto& each) { return std::ranges::find(missing, each.node) != missing.end(); });
    if (found == gone_.end()) return std::nullopt;
    return Gone{found->node, found->how, last_line_about(found->node)};
}

std::vector<std::string> Steps::not_started(const std::vector<std::string>& missing) const {
    std::vector<std::string> nodes;
    std::ranges::copy_if(missing, std::back_inserter(nodes),
                         [&](auto& node) { return !started_.contains(node); });
    return started_.empty() ? std::vector<std::string>() : nodes;
}

std::string Steps::last_words() const {
    // What follows about other nodes is srun ending their tasks for this one's sake.
    if (auto failed = words_.find(launch_failed); failed != std::string::npos) {
        auto begin = words_.rfind('\n', failed) + 1; // npos + 1 is 0
        return words_.substr(begin, words_.find('\n', failed) - begin);
    }
    std::string_view rest = words_;
    std::string
        ended; // "srun: error: node1: task 0: Exited with exit code 1" says less than what came before
    while (!rest.empty()) {
        auto newline = rest.find_last_of('\n');
        auto begin = newline == std::string_view::npos ? 0 : newline + 1;
        auto line = rest.substr(begin);
        bool tells = line.find_first_not_of(' ') != std::string_view::npos && !line.starts_with("Try \"srun");
        if (tells && !tasks_that_ended(line)) return std::string(line);
        if (tells && ended.empty()) ended = line;
        rest = rest.substr(0, begin == 0 ? 0 : newline);
    }
    if (!ended.empty()) return ended;
    return remark_; // "srun: unrecognized option '--x'" has no "error:" in it
}

void Steps::remove_copies() {
    if (!spec_.broadcast) return;
    auto deadline = Deadline::in(remove_within_s);
    UniqueFd silent(open("/dev/null", O_WRONLY | O_CLOEXEC)); // srun is told to be verbose
    auto outside = allocation_;
    outside.container.clear(); // the copy lies on the node
    auto env = srun_environment(environment_);
    std::erase_if(env, [](auto& each) { return each.first.find("SPANK_OPTION_pyxis") != std::string::npos; });
    for (std::size_t c = 0; c < allocation_.components.size(); ++c) {
        auto command = srun_command(outside, c, {.program = "rm", .slurm = spec_.slurm});
        command.back() = "-f"; // in the place of "agent"
        command.push_back(spec_.broadcast_to);
        auto child = Child::start({.argv = std::move(command), .env = env, .stderr_fd = silent.get()});
        if (child && !child->wait(deadline.left_s())) child->signal(SIGKILL);
    }
}

bool Steps::end(double since_s, double patience_s) {
    bool running = false;
    for (auto& step : steps_) {
        if (step->ended()) continue;
        running = true;
        if (since_s >= 2 * patience_s)
            step->signal(SIGKILL);
        else if (since_s > patience_s)
            step->signal(SIGTERM);
    }
    return !running;
}

void release_siblings(const Allocation& allocation, const Environment& environment) {
    if (!allocation.step_id || environment.get("SLURM_STEP_NUM_TASKS") == "1") return;
    auto step = allocation.job_id + "." + *allocation.step_id;
    auto child = Child::start({.argv = {"scancel", "--signal=TERM", step}, .env = environment.all()});
    if (child) (void)child->wait(scancel_within_s);
}

} // namespace railhead
