#pragma once
#include "launcher/agent/loop.hpp"
#include "launcher/wire.hpp"

#include <functional>
#include <string>

namespace railhead {

/// Tells once when the file system of the launch's directory is full: what runs then often waits for ever for
/// a file, a socket or a line of a log that could not be written.
class RoomWatch {
  public:
    /// Looks until it has told. `dir`: on a file system of the node's own; empty: there is none to look at.
    RoomWatch(Loop& loop, std::string node, std::string dir, std::function<void(Event)> send);

  private:
    void look();

    Loop& loop_;
    std::string node_, dir_;
    std::function<void(Event)> send_;
    Loop::Handle timer_;
};

} // namespace railhead
