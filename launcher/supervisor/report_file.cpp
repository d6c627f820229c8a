#include "launcher/supervisor/report_file.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace railhead {
namespace {

constexpr double report_patience_s = 2;
constexpr int between_looks_ms = 20;

/// What a path leads to.
struct Place {
    enum class Kind { file, stream, own };
    Kind kind = Kind::file;
    int fd = -1;   ///< own: standard output or standard error
    int error = 0; ///< errno, if nothing can be written there
};

// /dev/stdout may be another user's file, which cannot be opened again; and to replace the file that our
// standard output goes to would lose what it has.
Place place_of(const std::string& path) {
    struct stat there {};
    if (stat(path.c_str(), &there) != 0) return {.error = errno == ENOENT ? 0 : errno};
    if (S_ISDIR(there.st_mode)) return {.error = EISDIR};
    for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat own {};
        if (fstat(fd, &own) == 0 && own.st_dev == there.st_dev && own.st_ino == there.st_ino)
            return {.kind = Place::Kind::own, .fd = fd};
    }
    if (S_ISSOCK(there.st_mode)) return {.error = ENXIO};
    return {.kind = S_ISREG(there.st_mode) ? Place::Kind::file : Place::Kind::stream};
}

// std::filesystem::weakly_canonical does not follow a link to a file that is not there yet.
std::filesystem::path real_target(std::filesystem::path path) {
    constexpr int most_links = 40; // as the kernel
    std::error_code ignored;
    for (int i = 0; i < most_links && std::filesystem::is_symlink(path, ignored); ++i)
        path = path.parent_path() / std::filesystem::read_symlink(path, ignored);
    return path;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : ".";
}

tl::unexpected<Error> cannot_write(const std::string& path, int error) {
    return fail(ErrorKind::usage, {.id = "file-write",
                                   .thing = path,
                                   .seen = fmt::format("cannot be written: {}", std::strerror(error)),
                                   .next = "give another path"});
}

tl::unexpected<Error> not_read(const std::string& path, std::string seen) {
    return fail(ErrorKind::usage, {.id = "file-write",
                                   .thing = path,
                                   .seen = std::move(seen),
                                   .next = "have a reader at it until the launch ends"});
}

/// 0, or errno; ETIMEDOUT when the reader takes nothing. A file takes all at once.
int write_by(int fd, std::string_view content, Deadline deadline) {
    while (!content.empty()) {
        pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
        auto ready = poll(&room, 1, deadline.left_ms());
        if (ready == 0) return ETIMEDOUT;
        // A pipe with room takes as much as this without blocking, also one that was not opened by us.
        auto written =
            ready < 0 ? -1 : write(fd, content.data(), std::min<std::size_t>(content.size(), PIPE_BUF));
        if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
        if (written < 0 && errno != EINTR && errno != EAGAIN) return errno;
    }
    return 0;
}

Result<void> write_stream(const std::string& path, const Place& place, std::string_view content) {
    auto deadline = Deadline::in(report_patience_s);
    UniqueFd opened;
    // A named pipe that nobody reads yet cannot be opened.
    while (place.kind == Place::Kind::stream && !opened) {
        opened.reset(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (opened) break;
        if (errno != ENXIO && errno != EINTR) return cannot_write(path, errno);
        if (deadline.passed())
            return not_read(path, fmt::format("was opened by no reader within {} s", report_patience_s));
        poll(nullptr, 0, between_looks_ms);
    }
    auto error = write_by(opened ? opened.get() : place.fd, content, deadline);
    if (error == ETIMEDOUT)
        return not_read(path, fmt::format("was not read to the end within {} s", report_patience_s));
    if (error != 0) return cannot_write(path, error);
    return {};
}

Result<void> replace_file(const std::string& path, std::string_view content) {
    auto target = real_target(path);
    std::string beside;
    UniqueFd file;
    for (int i = 0; !file && (i == 0 || errno == EEXIST); ++i) {
        beside = folder_of(target) / fmt::format(".railhead-report-{}-{}", getpid(), i);
        file.reset(open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    }
    if (!file) return cannot_write(path, errno);
    auto error = write_by(file.get(), content, Deadline::in(report_patience_s));
    if (close(file.release()) != 0 && error == 0) error = errno; // a full disk on a server is told here
    if (error == 0 && std::rename(beside.c_str(), target.c_str()) != 0) error = errno;
    if (error == 0) return {};
    unlink(beside.c_str());
    return cannot_write(path, error);
}

} // namespace

Result<void> write_file(const std::string& path, std::string_view content, Draft draft) {
    auto place = place_of(path);
    if (place.error != 0) return cannot_write(path, place.error);
    if (place.kind == Place::Kind::file) return replace_file(path, content);
    return draft == Draft::yes ? Result<void>() : write_stream(path, place, content);
}

Result<void> can_write_file(const std::string& path) {
    if (path.empty()) return {};
    auto place = place_of(path);
    if (place.error != 0) return cannot_write(path, place.error);
    if (place.kind == Place::Kind::own) return {};
    bool stream = place.kind == Place::Kind::stream;
    auto asked = stream ? std::filesystem::path(path) : folder_of(real_target(path));
    if (access(asked.c_str(), stream ? W_OK : W_OK | X_OK) == 0) return {};
    return cannot_write(path, errno);
}

} // namespace railhead
