#pragma once
#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// The last `count` lines of a file, oldest first, together at most `max_bytes`; each is cut at 1000 bytes.
/// Empty when it cannot be read. Control characters other than tabs become blanks.
std::vector<std::string> tail_of(const std::string& path, int count, std::size_t max_bytes = 16 * 1024);
/// The same of a text.
std::vector<std::string> tail_lines(std::string_view text, int count, std::size_t max_bytes);

/// Gives the complete lines of a file that grows, each once. A line longer than 4000 bytes comes in pieces.
class GrowingFile {
  public:
    explicit GrowingFile(std::string path) : path_(std::move(path)) {}
    /// What came since the last call; with `ended` also a last line without newline. At most 1 MiB a call:
    /// `more` says whether to call again.
    std::vector<std::string> new_lines(bool ended, bool& more);

  private:
    std::string path_;
    std::uint64_t offset_ = 0;
    std::string rest_;
};

/// Regular files that are not empty in every folder named "logs" below `dir`, as paths relative to it, to a
/// depth of 4; links are not followed. Those of `dir`/logs come first.
std::vector<std::string> log_files(const std::string& dir);

/// The last `max_bytes` of a file, from a line's beginning if there is one, in pieces of at most
/// `piece_bytes` that end with a line if they hold a whole one.
std::vector<std::string> end_in_pieces(const std::string& path, std::size_t max_bytes,
                                       std::size_t piece_bytes);

} // namespace railhead
