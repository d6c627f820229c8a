#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace railhead {

/// A value that one writer replaces and any number of readers read without lock, file or system call. Two
/// slots: the writer fills the one that is not in use, after its last reader has left, and then switches.
/// (GCC 12's std::atomic<std::shared_ptr> spins on a lock bit.)
template <class T>
class Published {
  public:
    explicit Published(std::shared_ptr<const T> first) { slots_[0].value = std::move(first); }

    std::shared_ptr<const T> read() const {
        while (true) {
            const auto& slot = slots_[active_.load()];
            const Reading reading(slot);
            // The slot may have been retired between the two lines above; then the writer may be filling it.
            if (&slot == &slots_[active_.load()]) return slot.value;
        }
    }

    /// One writer only. Waits for readers that are between two lines of `read`.
    void publish(std::shared_ptr<const T> value) {
        auto next = 1 - active_.load();
        while (slots_[next].readers.load() > 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
        slots_[next].value = std::move(value);
        active_.store(next);
    }

  private:
    struct Slot {
        mutable std::atomic<int> readers{0};
        std::shared_ptr<const T> value;
    };
    struct Reading {
        explicit Reading(const Slot& read) : slot(read) { slot.readers.fetch_add(1); }
        ~Reading() { slot.readers.fetch_sub(1); }
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;
        const Slot& slot;
    };
    Slot slots_[2];
    std::atomic<int> active_{0};
};

} // namespace railhead
