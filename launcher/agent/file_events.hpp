#pragma once
#include "base/fd.hpp"
#include "launcher/agent/loop.hpp"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace railhead {

/// Tells when files below watched folders change: one inotify(7) instance for the whole agent, for a user has
/// few. Where the kernel has none left, it looks now and then; and in the first second, for to close an
/// instance takes up to 20 ms, of which a launch of a moment would have nothing.
class FileEvents {
  public:
    /// `look_every_s`: how often it looks where it does not watch.
    explicit FileEvents(Loop& loop, double look_every_s = 0.05) : loop_(loop), look_every_s_(look_every_s) {}

    /// Ends the subscription when destroyed.
    class Subscription {
      public:
        Subscription() = default;
        explicit Subscription(std::shared_ptr<void> state) : state_(std::move(state)) {}

      private:
        std::shared_ptr<void> state_;
    };

    /// Calls `changed` after something changed in any watched place: look again, it may be another's.
    [[nodiscard]] Subscription subscribe(std::function<void()> changed);
    /// New names in a folder; or who held a file for writing lets it go, too; or what is written to it, too.
    enum class What { names, closes, contents };
    /// A folder or a file. Again for the same path is free.
    void watch(const std::string& path, What what = What::contents);

  private:
    void open();
    void add(const std::string& path, What what);
    void changed();
    void tick();

    Loop& loop_;
    double look_every_s_;
    UniqueFd inotify_;
    std::map<std::string, What> watched_;
    std::list<std::weak_ptr<std::function<void()>>> subscribers_;
    Loop::Handle readable_, timer_, opens_;
};

} // namespace railhead
