#pragma once
#include <string_view>
#include <utility>

namespace railhead {

/// Owns one file descriptor and closes it. Not shared between threads.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);

  private:
    int fd_ = -1;
};

enum class Patience { ten_seconds, forever };
/// Writes to a terminal, a pipe or a file, also after signals and to one that somebody made non-blocking. A
/// reader that is gone, or one of a non-blocking descriptor that takes nothing for as long as our patience
/// lasts, loses the rest: there is nobody to tell.
void write_all(int fd, std::string_view text, Patience patience = Patience::ten_seconds);

} // namespace railhead
