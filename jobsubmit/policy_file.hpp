#pragma once
#include "policy/settings.hpp"

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace railhead {

/// The site's policy, read again when the file changes. Reads files: for the background thread only.
class PolicyFile {
  public:
    explicit PolicyFile(std::string path) : path_(std::move(path)) {}

    /// What a look at the file brought.
    struct News {
        std::shared_ptr<const Settings> settings; ///< absent: the old ones hold
        std::vector<std::pair<Level, std::string>>
            lines; ///< for the log: a broken file, unknown keys, a change
    };
    /// Reads the file if it is not the one of the last call (inode, size, times). A missing file means
    /// defaults.
    News look();

  private:
    struct Version {
        ino_t inode = 0;
        off_t size = -1;
        timespec modified{}, changed{};
        bool operator==(const Version& other) const;
    };
    std::string path_;
    std::optional<Version> seen_;
};

} // namespace railhead
