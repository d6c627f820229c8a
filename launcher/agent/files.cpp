#include "launcher/agent/files.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace railhead {

std::optional<std::string> read_text(const std::string& path, std::size_t limit) {
    UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) return std::nullopt;
    std::string text;
    char buffer[4096];
    while (text.size() < limit) {
        auto got = read(file.get(), buffer, std::min(sizeof buffer, limit - text.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::nullopt;
        if (got == 0) break;
        text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

tl::unexpected<Error> file_error(const std::string& id, const std::string& path, int error,
                                 const std::string& next) {
    Finding finding{.id = id, .thing = path + ":", .seen = std::strerror(error)};
    finding.next = next;
    return fail(ErrorKind::bringup_failed, finding);
}

Result<void> write_private(const std::string& path, std::string_view content) {
    UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return file_error("file-write", path, errno);
    while (!content.empty()) {
        auto written = write(file.get(), content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return file_error("file-write", path, errno);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> make_folders(const std::string& path) {
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        auto folder = path.substr(0, slash);
        if (!folder.empty() && mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
            return file_error("folder-make", folder, errno);
        if (slash == std::string::npos) return {};
    }
}

bool is_folder(const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string file_name_of(std::string_view id) {
    std::string name(id);
    for (auto& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_') c = '_';
    if (name.empty() || name[0] == '.') name.insert(name.begin(), '_');
    return name;
}

} // namespace railhead
