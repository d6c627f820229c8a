#include "launcher/commands/live_launch.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "launcher/agent/directory.hpp"
#include "launcher/agent/sweep.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <map>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace railhead {
namespace {

constexpr double look_every_s = 1;
constexpr std::size_t max_published_bytes = 1024 * 1024; // a PATH may have 128 KiB

using Wanted = std::function<bool(const LaunchName&)>;

// Directories of live launches: of this user, and locked by their agent.
std::vector<std::string> live_launches(const std::string& tmp, const Wanted& wanted) {
    std::vector<std::string> found;
    std::error_code error;
    for (auto& entry : std::filesystem::directory_iterator(tmp, error)) {
        auto name = launch_name_from(entry.path().filename().string());
        if (!name || !wanted(*name)) continue;
        UniqueFd folder(open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        struct stat facts {};
        if (!folder || fstat(folder.get(), &facts) != 0 || facts.st_uid != getuid()) continue;
        if (flock(folder.get(), LOCK_SH | LOCK_NB) != 0) found.push_back(entry.path().string());
    }
    return found;
}

// A wanted launch was made since the last call; waits at most `seconds` for anything to happen.
bool created_since(int changes, const Wanted& wanted, double seconds) {
    pollfd waiting{.fd = changes, .events = POLLIN, .revents = 0};
    poll(&waiting, changes >= 0 ? 1 : 0, static_cast<int>(seconds * 1000));
    alignas(inotify_event) std::array<char, 4096> buffer;
    auto length = changes >= 0 ? read(changes, buffer.data(), buffer.size()) : 0;
    for (ssize_t at = 0; at < length;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        auto name = event->len > 0 ? launch_name_from(event->name) : std::nullopt;
        if (name && wanted(*name)) return true;
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
    return false;
}

std::string read_own_file(const std::string& path) {
    UniqueFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat facts {};
    if (!file || fstat(file.get(), &facts) != 0 || facts.st_uid != getuid()) return {};
    std::string text(max_published_bytes, '\0');
    auto length = read(file.get(), text.data(), text.size());
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return text;
}

} // namespace

Result<std::string> read_published(const std::string& tmp, const std::string& job_or_step) {
    auto target = step_target_from(job_or_step);
    if (!target) return tl::unexpected(std::move(target.error()));
    std::map<std::string, std::string> published; // by step
    for (auto& folder : live_launches(tmp, [&](const LaunchName& name) { return name.job == target->job; })) {
        auto step = launch_name_from(std::filesystem::path(folder).filename().string())->step;
        auto text = read_own_file(folder + "/attach.json");
        if (!text.empty() && (target->step.empty() || target->step == step))
            published[target->job + "." + step] = std::move(text);
    }
    if (published.size() == 1) return published.begin()->second;
    Finding finding{.id = "no-launch", .thing = "job " + job_or_step};
    if (published.empty()) {
        finding.seen = "has no Ray cluster of yours that is up on its first node";
        finding.next = "wait until railhead ray says that it is ready (other launches have none), or see "
                       "'squeue --me'";
    } else {
        std::vector<std::string> steps;
        for (auto& [step, text] : published) steps.push_back(step);
        finding.seen = fmt::format("has {} clusters: {}", published.size(), fmt::join(steps, ", "));
        finding.next = "name one of them";
    }
    return fail(ErrorKind::usage, std::move(finding));
}

int wait_for_launch(const std::string& tmp, const std::string& job, const std::string& step,
                    double within_s) {
    std::signal(SIGTERM, [](int) { _exit(0); }); // told by the first task that nothing will come
    // The launch may come and go between two looks at the folder: the kernel remembers that it came.
    UniqueFd changes(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (changes) inotify_add_watch(changes.get(), tmp.c_str(), IN_CREATE);
    auto bound = Deadline::in(within_s);
    auto ours = [&](const LaunchName& name) { return name.job == job && name.begun_in(step); };
    bool came = false;
    while (!came && live_launches(tmp, ours).empty() && !bound.passed())
        came = created_since(changes.get(), ours, std::min(bound.left_s(), look_every_s));
    if (!came && live_launches(tmp, ours).empty())
        fmt::print(
            stderr,
            "railhead: no launch of step {}.{} has come to this node within {} s: the step's first task "
            "has begun none, or it was over before this task started; see what that task says\n",
            job, step, within_s);
    while (!live_launches(tmp, ours).empty()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return 0;
}

} // namespace railhead
