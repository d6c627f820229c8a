#include "launcher/supervisor/logs.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace railhead {
namespace {

constexpr std::size_t max_bytes_back = 256 * 1024 * 1024;

// An agent is our own program, but a node's name and a log's become part of a path.
bool plain_name(const std::string& name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
           name.size() < 200;
}

} // namespace

void LogsBack::begin(const std::string& dir, const std::string& job, int attempt, const std::string& launch,
                     std::size_t restarts) {
    dir_ = fmt::format("{}railhead-{}-{}-{}{}", dir.empty() ? "" : dir + "/", job, attempt, launch,
                       restarts == 0 ? "" : fmt::format(".{}", restarts));
}

void LogsBack::add(const std::string& node, const std::string& log, std::string_view chunk) {
    if (broken_ || !plain_name(node) || !plain_name(log) || bytes_ + chunk.size() > max_bytes_back) return;
    std::error_code error;
    auto folder = std::filesystem::path(dir_) / node;
    std::filesystem::create_directories(folder, error);
    auto file = folder / log;
    bool first = written_.insert(file).second;
    errno = 0;
    std::ofstream out(file, first ? std::ios::trunc : std::ios::app);
    out << chunk;
    out.close();
    bytes_ += chunk.size();
    if (out) {
        last_ = dir_;
        return;
    }
    broken_ = true;
    problem_ = Finding{.id = "logs-lost",
                       .level = Level::warn,
                       .thing = (error ? folder : file).string(),
                       .seen = error ? "cannot be made: " + error.message()
                                     : fmt::format("cannot be written: {}", std::strerror(errno)),
                       .next = "give a directory with --log-dir to keep the logs of a failed launch"};
}

std::string LogsBack::path_of(const std::string& node, const std::string& log) const {
    auto path = (std::filesystem::path(dir_) / node / log).string();
    return !log.empty() && written_.contains(path) ? path : "";
}

Result<void> can_make_folder(const std::string& path) {
    if (path.empty()) return {};
    std::error_code error;
    auto nearest = std::filesystem::absolute(path, error);
    while (!std::filesystem::exists(nearest, error) && nearest.has_relative_path())
        nearest = nearest.parent_path();
    errno = ENOTDIR;
    if (std::filesystem::is_directory(nearest, error) && access(nearest.c_str(), W_OK | X_OK) == 0) return {};
    return fail(ErrorKind::usage, {.id = "file-write",
                                   .thing = path,
                                   .seen = fmt::format("cannot be written: {}", std::strerror(errno)),
                                   .next = "give another path"});
}

} // namespace railhead
