#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "slurm/launch_name.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// The name of the launch whose agent started this program (RAILHEAD_LAUNCH); absent when the program is in a
/// step of its own, or in none.
std::optional<LaunchName> launch_around(const Environment& environment);

/// The launch's directory on this node, mode 0700, owned by the job's user. It is locked (flock) for as long
/// as the agent or its watcher lives: a directory that can be locked is a dead launch's.
class LaunchDirectory {
  public:
    /// Ray's socket paths below it must fit 107 bytes.
    static constexpr std::size_t max_path_bytes = 40;

    /// Error (bringup_failed): "dir-too-long", "dir-exists" (with its owner), "tmp-full", "dir-make".
    static Result<LaunchDirectory> make(const std::string& tmp, const LaunchName& name);

    const std::string& path() const { return path_; }
    /// Removes it with all that is in it. Links are not followed, other file systems are not entered, and
    /// nothing is touched that another user owns. What stayed is in the error.
    Result<void> remove() const;

  private:
    std::string path_;
    UniqueFd lock_;
};

/// A directory of a launch whose agent is gone, locked by us meanwhile.
struct DeadLaunch {
    LaunchName name;
    std::string path;
    UniqueFd lock;
};
/// Those of this user below `tmp` that belong to `job`, and to `step` unless it is empty.
std::vector<DeadLaunch> dead_launches(const std::string& tmp, const std::string& job,
                                      const std::string& step);

/// As LaunchDirectory::remove.
Result<void> remove_tree(const std::string& path);
/// All that is in it but the file `keep`; the directory stays.
Result<void> remove_contents(const std::string& path, std::string_view keep);

} // namespace railhead
