#include "launcher/agent/logs.hpp"

#include "launcher/agent/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <regex>

namespace railhead {
namespace {

constexpr int levels_to_logs = 4; // folders in folders
constexpr int levels_in_logs = 4; // logs/ranks/RENDEZVOUS/attempt_0/0/stderr.log

constexpr std::size_t max_line_bytes = 1000, max_piece_bytes = 4000;
constexpr std::uint64_t least_dropped = 8 << 20; ///< at once

/// Without colours: a log is read by people and by patterns, and the reader's terminal is not the program's.
std::string clean(std::string_view line) {
    static const std::regex control_sequence("\x1b\\[[0-9;?]*[ -/]*[@-~]");
    auto text = std::regex_replace(std::string(line.substr(0, max_line_bytes)), control_sequence, "");
    for (auto& c : text)
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t') c = ' ';
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

/// Names in a folder without "." and "..", sorted so that results do not depend on the file system.
std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    DIR* folder = opendir(path.c_str());
    if (!folder) return names;
    while (auto* entry = readdir(folder)) {
        std::string name = entry->d_name;
        if (name != "." && name != "..") names.push_back(std::move(name));
    }
    closedir(folder);
    std::sort(names.begin(), names.end());
    return names;
}

/// `below`: the folder's path relative to `dir`, empty or ending in a slash. `wanted`: it is one named
/// "logs".
void find_logs(const std::string& dir, const std::string& below, int depth, bool wanted,
               std::vector<std::string>& found) {
    std::vector<std::pair<std::string, bool>> folders;
    for (auto& name : names_in(dir + "/" + below)) {
        struct stat status {};
        if (lstat((dir + "/" + below + name).c_str(), &status) != 0) continue;
        if (S_ISDIR(status.st_mode)) folders.emplace_back(below + name + "/", wanted || name == "logs");
        if (wanted && S_ISREG(status.st_mode) && status.st_size > 0) found.push_back(below + name);
    }
    if (depth == 0) return;
    std::stable_partition(folders.begin(), folders.end(), [](auto& folder) { return folder.second; });
    for (auto& [folder, logs] : folders)
        find_logs(dir, folder, logs && !wanted ? levels_in_logs : depth - 1, logs, found);
}

/// The last bytes of a file; without a first line that is cut.
std::string end_of(const std::string& path, std::size_t max_bytes) {
    UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return {};
    auto size = std::max<off_t>(lseek(file.get(), 0, SEEK_END), 0);
    auto begin = std::max<off_t>(size - static_cast<off_t>(max_bytes), 0);
    std::string text(static_cast<std::size_t>(size - begin), '\0');
    auto got = pread(file.get(), text.data(), text.size(), begin);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    auto newline = text.find('\n');
    if (begin > 0 && newline != std::string::npos && newline + 1 < text.size()) text.erase(0, newline + 1);
    return text;
}

} // namespace

std::vector<std::string> tail_lines(std::string_view text, int count, std::size_t max_bytes) {
    auto lines = lines_of(text);
    std::vector<std::string> tail;
    std::size_t bytes = 0;
    while (!lines.empty() && static_cast<int>(tail.size()) < count) {
        auto line = clean(lines.back());
        bytes += line.size() + 1;
        if (bytes > max_bytes) break;
        tail.push_back(std::move(line));
        lines.pop_back();
    }
    std::reverse(tail.begin(), tail.end());
    return tail;
}

std::vector<std::string> tail_of(const std::string& path, int count, std::size_t max_bytes) {
    // Lines are cut after reading: look at somewhat more than is given back.
    return tail_lines(end_of(path, max_bytes * 4), count, max_bytes);
}

std::vector<std::string> GrowingFile::new_lines(bool ended, bool& more, std::size_t max_bytes) {
    more = false;
    std::vector<std::string> lines;
    UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return lines;
    std::string buffer(64 * 1024, '\0');
    for (std::size_t total = 0;;) {
        auto got = pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset_));
        if (got <= 0) break;
        offset_ += static_cast<std::uint64_t>(got);
        rest_.append(buffer, 0, static_cast<std::size_t>(got));
        total += static_cast<std::size_t>(got);
        if ((more = total >= max_bytes)) break;
    }
    std::string_view text = rest_;
    while (!text.empty()) {
        auto end = std::min(text.find('\n'), max_piece_bytes);
        if (end >= text.size()) break;
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(text[end] == '\n' ? end + 1 : end);
    }
    if (ended && !more && !text.empty()) lines.emplace_back(std::exchange(text, std::string_view()));
    rest_ = std::string(text);
    return lines;
}

std::uint64_t GrowingFile::unread() const {
    struct stat status {};
    bool there = stat(path_.c_str(), &status) == 0;
    auto size = there ? static_cast<std::uint64_t>(status.st_size) : 0;
    return std::max(size, offset_) - offset_ + rest_.size();
}

void GrowingFile::skip() {
    rest_.clear();
    offset_ += unread();
}

void GrowingFile::drop_given(std::uint64_t keep) {
    if (offset_ < dropped_ + keep + least_dropped) return;
    UniqueFd file(open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    auto end = offset_ - keep;
    if (file)
        (void)fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(dropped_),
                        static_cast<off_t>(end - dropped_));
    dropped_ = end;
}

std::vector<std::string> log_files(const std::string& dir) {
    std::vector<std::string> found;
    find_logs(dir, "", levels_to_logs, false, found);
    return found;
}

std::string log_path(const std::string& dir, const std::string& log) {
    return log.empty() ? "" : dir + "/logs/" + file_name_of(log);
}

Result<UniqueFd> open_log(const std::string& path) {
    if (auto made = make_folders(path.substr(0, path.rfind('/'))); !made)
        return tl::unexpected(std::move(made.error()));
    UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return file_error("log-open", path, errno);
    return file;
}

bool is_empty(const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) != 0 || status.st_size == 0;
}

std::string id_of_log(const std::string& dir, const std::string& path) {
    if (!path.starts_with(dir + "/")) return {};
    auto name = path.substr(dir.size() + 1);
    return file_name_of(name.starts_with("logs/") ? name.substr(5) : name);
}

std::vector<std::string> end_in_pieces(const std::string& path, std::size_t max_bytes,
                                       std::size_t piece_bytes) {
    std::vector<std::string> pieces;
    auto text = end_of(path, max_bytes);
    for (std::string_view rest = text; !rest.empty();) {
        auto piece = rest.substr(0, piece_bytes);
        auto newline = piece.rfind('\n');
        if (piece.size() < rest.size() && newline != std::string_view::npos)
            piece = piece.substr(0, newline + 1);
        pieces.emplace_back(piece);
        rest.remove_prefix(piece.size());
    }
    return pieces;
}

} // namespace railhead
