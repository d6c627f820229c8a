#pragma once
#include "base/error.hpp"
#include "base/fd.hpp"

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
    /// What came since the last call; with `ended` also a last line without newline. At most `max_bytes` a
    /// call: `more` says whether to call again.
    std::vector<std::string> new_lines(bool ended, bool& more, std::size_t max_bytes = 1 << 20);
    /// Bytes that were not given yet.
    std::uint64_t unread() const;
    /// Gives up what was not given yet.
    void skip();
    /// Gives the disk back what was given, but for the last `keep` bytes: the file's beginning reads as
    /// zeros then. A file system that cannot keeps all.
    void drop_given(std::uint64_t keep);

  private:
    std::string path_;
    std::uint64_t offset_ = 0, dropped_ = 0;
    std::string rest_;
};

/// Regular files that are not empty in every folder named "logs" below `dir`, as paths relative to it, to a
/// depth of 4; links are not followed. Those of `dir`/logs come first.
std::vector<std::string> log_files(const std::string& dir);

/// Where the log of that name (Process::log) is in a launch's directory; empty: it has none.
std::string log_path(const std::string& dir, const std::string& log);
/// Opens it to append to it, with the folders that it needs.
Result<UniqueFd> open_log(const std::string& path);

/// Whether there is nothing in it; also when it is not there, or the path is empty.
bool is_empty(const std::string& path);

/// Of a log below `dir` the id under which it is brought: its path without a leading "logs/", with _ for
/// slashes. Empty: it is not there.
std::string id_of_log(const std::string& dir, const std::string& path);

/// The last `max_bytes` of a file, from a line's beginning if there is one, in pieces of at most
/// `piece_bytes` that end with a line if they hold a whole one.
std::vector<std::string> end_in_pieces(const std::string& path, std::size_t max_bytes,
                                       std::size_t piece_bytes);

} // namespace railhead
