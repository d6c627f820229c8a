#include "launcher/agent/file_events.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <vector>

namespace railhead {
namespace {
constexpr double look_for_s = 1;
}

FileEvents::Subscription FileEvents::subscribe(std::function<void()> changed) {
    auto held = std::make_shared<std::function<void()>>(std::move(changed));
    subscribers_.push_back(held);
    if (inotify_ || timer_) return Subscription(std::move(held));
    tick();
    opens_ = loop_.after(look_for_s, [this] { open(); });
    return Subscription(std::move(held));
}

void FileEvents::open() {
    opens_.cancel();
    inotify_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) return;
    timer_.cancel();
    readable_ = loop_.when_readable(inotify_.get(), [this] {
        char buffer[16 * 1024];
        while (read(inotify_.get(), buffer, sizeof buffer) > 0) {
        }
        changed();
    });
    for (auto& [path, what] : watched_) add(path, what);
    changed(); // between the last look and the watches
}

void FileEvents::watch(const std::string& path, What what) {
    watched_[path] = what;
    if (inotify_) add(path, what);
}

void FileEvents::add(const std::string& path, What what) {
    std::uint32_t mask = IN_CREATE | IN_MOVED_TO;
    if (what != What::names) mask |= IN_CLOSE_WRITE;
    if (what == What::contents) mask |= IN_MODIFY;
    if (inotify_add_watch(inotify_.get(), path.c_str(), mask) >= 0) return;
    if (!timer_) tick(); // no watch left, or the path is not there yet
}

void FileEvents::tick() {
    timer_ = loop_.after(look_every_s_, [this] {
        timer_.cancel();
        changed();
        if (!subscribers_.empty()) tick();
    });
}

void FileEvents::changed() {
    std::vector<std::shared_ptr<std::function<void()>>> now;
    for (auto entry = subscribers_.begin(); entry != subscribers_.end();) {
        auto held = entry->lock();
        if (held) now.push_back(held);
        entry = held ? std::next(entry) : subscribers_.erase(entry);
    }
    for (auto& held : now) (*held)();
    now.clear();
    std::erase_if(subscribers_, [](auto& entry) { return entry.expired(); });
    if (!subscribers_.empty()) return;
    readable_.cancel(); // nobody waits: a log that grows for days wakes nobody
    inotify_.reset();
    timer_.cancel();
    opens_.cancel();
    watched_.clear();
}

} // namespace railhead
