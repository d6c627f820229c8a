#include "spank/leftover.hpp"

#include "slurm/launch_name.hpp"

#include <fmt/core.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace railhead::spank {
namespace {

constexpr double last_wait_s = 1; ///< for a child that was sent SIGKILL

bool is_directory_of(int folder, const char* name, uid_t owner) {
    struct stat status {};
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == owner;
}

Finding warning(const std::string& what, std::string seen, std::string next) {
    return {.id = "sweep",
            .level = Level::warn,
            .thing = "cleaning up after step " + what,
            .seen = std::move(seen),
            .next = std::move(next)};
}

} // namespace

std::vector<std::string> jobs_with_leftovers(const EndedStep& step, const std::string& tmp) {
    std::vector<std::string> found;
    std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(tmp.c_str()), closedir);
    if (!folder) return found;
    auto is_in = [](const std::vector<std::string>& jobs, const std::string& job) {
        return std::find(jobs.begin(), jobs.end(), job) != jobs.end();
    };
    while (const auto* entry = readdir(folder.get())) {
        auto name = launch_name_from(entry->d_name);
        if (name && name->step == std::to_string(step.step) && is_in(step.jobs, name->job) &&
            !is_in(found, name->job) && is_directory_of(dirfd(folder.get()), entry->d_name, step.owner.uid))
            found.push_back(name->job);
    }
    return found;
}

std::optional<Finding> sweep(const EndedStep& step, const std::string& job, const std::string& program,
                             const std::string& tmp, double seconds) {
    auto target = fmt::format("{}.{}", job, step.step);
    auto by_hand = fmt::format("run railhead sweep {} as its user", target);
    if (access(program.c_str(), X_OK) != 0)
        return warning(target, "needs " + program + ", which is not there", by_hand);
    ChildSpec spec{.argv = {program, "sweep", target, "--tmp", tmp},
                   .env = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}},
                   .cwd = "/"};
    UniqueFd nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
    spec.stdout_fd = spec.stderr_fd = nowhere.get();
    spec.identity = step.owner;
    auto child = Child::start(spec);
    if (!child) return warning(target, sentence(child.error()), by_hand);
    auto status = child->wait(seconds);
    if (!status) {
        child->signal_group(SIGKILL);
        if (!child->wait(last_wait_s))
            return warning(target, fmt::format("cannot be ended: process {} stays", child->pid()),
                           fmt::format("look at /proc/{}/stack", child->pid()));
        return warning(target, fmt::format("took more than {} s and was killed", seconds), by_hand);
    }
    if (status->success()) return std::nullopt;
    auto how = status->kind == ChildStatus::Kind::exited ? "exited with" : "was killed by signal";
    return warning(target, fmt::format("failed: railhead sweep {} {}", how, status->value), by_hand);
}

} // namespace railhead::spank
