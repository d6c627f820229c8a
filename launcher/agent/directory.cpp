#include "launcher/agent/directory.hpp"

#include "launcher/agent/files.hpp"
#include "launcher/agent/reaper.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace railhead {
namespace {

tl::unexpected<Error> cannot_make(const std::string& path, int error) {
    if (error == ENOSPC || error == EDQUOT)
        return file_error("tmp-full", path, error, "free space there or set launch.tmp to another directory");
    if (error != EEXIST)
        return file_error("dir-make", path, error, "set launch.tmp to a directory you may write");
    struct stat status {};
    Finding finding{.id = "dir-exists", .thing = path, .seen = "exists already"};
    if (lstat(path.c_str(), &status) == 0 && status.st_uid != geteuid())
        finding.seen += " and belongs to user " + std::to_string(status.st_uid);
    finding.next = "remove it, or set launch.tmp to another directory, which must be each node's own";
    return fail(ErrorKind::bringup_failed, finding);
}

/// Opens and locks a directory; invalid when another holds the lock, or it is gone or replaced meanwhile.
UniqueFd open_locked(const std::string& path) {
    UniqueFd lock(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return UniqueFd();
    struct stat held {
    }, named{};
    if (fstat(lock.get(), &held) != 0 || lstat(path.c_str(), &named) != 0) return UniqueFd();
    if (held.st_ino != named.st_ino || held.st_dev != named.st_dev) return UniqueFd();
    return lock;
}

/// Removal keeps a folder open per level of depth; deeper trees than this are left and named.
constexpr int max_depth = 200;

class Remover {
  public:
    explicit Remover(dev_t device) : device_(device) {}

    /// Empties the open folder `fd`, whose path is only for messages. Takes over the descriptor.
    void empty(int fd, const std::string& path, int depth) {
        fchmod(fd, 0700); // a folder without write permission cannot be emptied
        DIR* folder = fdopendir(fd);
        if (!folder) {
            ::close(fd);
            return note(path, errno);
        }
        while (auto* entry = readdir(folder)) {
            std::string name = entry->d_name;
            if (name != "." && name != "..") one(fd, name, path + "/" + name, depth);
        }
        closedir(folder);
    }

    void one(int parent, const std::string& name, const std::string& path, int depth) {
        struct stat status {};
        if (fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno != ENOENT) note(path, errno);
            return;
        }
        if (S_ISDIR(status.st_mode)) {
            if (status.st_dev != device_) return note(path, EXDEV);
            if (status.st_uid != geteuid()) return note(path, EPERM);
            if (depth >= max_depth) return note(path, ENAMETOOLONG);
            if (!(status.st_mode & S_IRUSR)) fchmodat(parent, name.c_str(), 0700, 0);
            int fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (fd < 0) return note(path, errno);
            empty(fd, path, depth + 1);
        }
        if (unlinkat(parent, name.c_str(), S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0) != 0 &&
            errno != ENOENT)
            note(path, errno);
    }

    Result<void> result() const {
        if (first_.empty()) return {};
        return file_error("dir-left", first_, error_, "remove it by hand");
    }

  private:
    void note(const std::string& path, int error) {
        if (!first_.empty()) return;
        first_ = path;
        error_ = error;
    }

    dev_t device_;
    std::string first_;
    int error_ = 0;
};

} // namespace

std::optional<LaunchName> launch_around(const Environment& environment) {
    auto name = launch_name_from("rh-" + environment.get(launch_mark).value_or(""));
    if (!name || environment.get("SLURM_JOB_ID") != name->job ||
        environment.get("SLURM_STEP_ID") != name->step)
        return std::nullopt;
    return name;
}

Result<LaunchDirectory> LaunchDirectory::make(const std::string& tmp, const LaunchName& name) {
    LaunchDirectory made;
    made.path_ = tmp + "/" + name.folder();
    if (made.path_.size() > max_path_bytes)
        return fail(ErrorKind::bringup_failed, {.id = "dir-too-long",
                                                .thing = made.path_,
                                                .seen = "has " + std::to_string(made.path_.size()) + " bytes",
                                                .expected = "at most " + std::to_string(max_path_bytes) +
                                                            ", for socket paths below it end at 107",
                                                .next = "set launch.tmp to a shorter path"});
    // A sweeper may take the new directory for a dead one before it is locked, and remove it: then once more.
    for (int round = 0; round < 100; ++round) {
        if (mkdir(made.path_.c_str(), 0700) != 0) return cannot_make(made.path_, errno);
        made.lock_ = open_locked(made.path_);
        if (made.lock_) return made;
        usleep(10'000);
    }
    return file_error("dir-make", made.path_, EBUSY, "end the other railhead that removes it");
}

Result<void> LaunchDirectory::remove() const {
    return remove_tree(path_);
}

Result<void> remove_tree(const std::string& path) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return {};
        return file_error("dir-left", path, errno, "remove it by hand");
    }
    if (!S_ISDIR(status.st_mode)) return file_error("dir-left", path, ENOTDIR, "look who replaced it");
    Remover remover(status.st_dev);
    remover.one(AT_FDCWD, path, path, 0);
    return remover.result();
}

Result<void> remove_contents(const std::string& path, std::string_view keep) {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) return file_error("dir-left", path, errno);
    Remover remover(status.st_dev);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(path, error))
        if (auto name = entry.path().filename().string(); name != keep)
            remover.one(fd.get(), name, entry.path(), 0);
    return error ? file_error("dir-left", path, error.value()) : remover.result();
}

std::vector<DeadLaunch> dead_launches(const std::string& tmp, const std::string& job,
                                      const std::string& step) {
    std::vector<DeadLaunch> dead;
    DIR* folder = opendir(tmp.c_str());
    if (!folder) return dead;
    while (auto* entry = readdir(folder)) {
        auto name = launch_name_from(entry->d_name);
        if (!name || name->job != job || (!step.empty() && name->step != step)) continue;
        auto path = tmp + "/" + entry->d_name;
        struct stat status {};
        if (lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != geteuid())
            continue;
        if (auto lock = open_locked(path)) dead.push_back({*name, path, std::move(lock)});
    }
    closedir(folder);
    return dead;
}

} // namespace railhead
