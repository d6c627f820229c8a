#pragma once
#include "base/error.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// At most `limit` bytes of a file, also of one that says it has size 0 (/proc, cgroup). Absent when it
/// cannot be read.
std::optional<std::string> read_text(const std::string& path, std::size_t limit = 1 << 20);

/// Lines without their newline; a last line without newline counts.
std::vector<std::string_view> lines_of(std::string_view text);

/// Makes a new file with mode 0600; error (bringup_failed) with the system's words, also when it exists.
Result<void> write_private(const std::string& path, std::string_view content);

/// Every folder of `path` that is missing, mode 0700.
Result<void> make_folders(const std::string& path);

/// Whether there is a folder; a link to one counts.
bool is_folder(const std::string& path);

/// "a/b c" -> "a_b_c": what may stand in a file's name.
std::string file_name_of(std::string_view id);

/// Error of a system call about a file: "/tmp/x: No space left on device".
tl::unexpected<Error> file_error(const std::string& id, const std::string& path, int error,
                                 const std::string& next = "");

} // namespace railhead
