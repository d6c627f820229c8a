#include "base/output_queue.hpp"

#include "base/fd.hpp"
#include "base/quiet_thread.hpp"

#include <chrono>
#include <utility>

namespace railhead {
namespace {
constexpr std::size_t piece_bytes = 16 * 1024; // whoever asks what waits sees a slow reader's progress
}

OutputQueue::OutputQueue(int fd) : fd_(fd), thread_(quiet_thread([this] { run(); })) {}

OutputQueue::~OutputQueue() {
    {
        std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void OutputQueue::write(std::string_view text) {
    {
        std::lock_guard lock(mutex_);
        next_ += text;
    }
    changed_.notify_all();
}

std::size_t OutputQueue::waiting() const {
    std::lock_guard lock(mutex_);
    return writing_ + next_.size();
}

bool OutputQueue::empty_within(double seconds) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                             [this] { return writing_ == 0 && next_.empty(); });
}

void OutputQueue::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return closing_ || !next_.empty(); });
        if (next_.empty()) return;
        auto text = std::exchange(next_, {});
        writing_ = text.size();
        for (std::string_view rest = text; !rest.empty();) {
            auto piece = rest.substr(0, piece_bytes);
            lock.unlock();
            write_all(fd_, piece, Patience::forever);
            lock.lock();
            rest.remove_prefix(piece.size());
            writing_ = rest.size();
            changed_.notify_all();
        }
    }
}

} // namespace railhead
