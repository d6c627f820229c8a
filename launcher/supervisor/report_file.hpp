#pragma once
#include "base/error.hpp"

#include <string>
#include <string_view>

namespace railhead {

/// A draft goes only where the next writing replaces it; a pipe or a terminal would have both.
enum class Draft { no, yes };

/// Replaces a file at once (rename), mode 0666 less the umask; of a symbolic link, the file it leads to. What
/// is no file (a pipe, a terminal, /dev/null), and our own standard output or error wherever it goes, is
/// written to. Never waits for longer than 2 s for a reader. Error (usage) with the system's words.
Result<void> write_file(const std::string& path, std::string_view content, Draft draft = Draft::no);
/// Whether it would work now; an empty path is fine. Opens and makes nothing; that a pipe has no reader yet
/// is fine.
Result<void> can_write_file(const std::string& path);

} // namespace railhead
