#pragma once
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace railhead {

/// Writes to a file descriptor in a thread of its own, in order: a reader that stands still (Ctrl-S, a pager)
/// holds up the words, and not the launch.
class OutputQueue {
  public:
    explicit OutputQueue(int fd);
    ~OutputQueue(); ///< when all is written, or the reader is gone
    OutputQueue(const OutputQueue&) = delete;
    OutputQueue& operator=(const OutputQueue&) = delete;

    void write(std::string_view text); ///< never waits
    std::size_t waiting() const;       ///< bytes that are not written yet
    /// Nobody has read for long: whoever can, shall keep for a while what comes next. Looked at by turns.
    bool is_full() const { return waiting() > 64 * 1024 * 1024; }
    bool empty_within(double seconds) const;

  private:
    void run();

    const int fd_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::string next_; ///< comes after `writing_` bytes that are being written
    std::size_t writing_ = 0;
    bool closing_ = false;
    std::thread thread_;
};

} // namespace railhead
