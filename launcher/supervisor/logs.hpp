#pragma once
#include "base/error.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace railhead {

/// Logs that agents send back over the channel, so that no file system need be shared: DIR/NODE/LOG.
class LogsBack {
  public:
    /// They go to "railhead-JOBID-ATTEMPT-LAUNCH" in `dir`, or in the working directory; behind it stands the
    /// number of restarts of this launch, if any. Nothing is made until something comes.
    void begin(const std::string& dir, const std::string& job, int attempt, const std::string& launch,
               std::size_t restarts);
    /// Appends a chunk of one log; bounded in size and names; after the first failure all is dropped.
    void add(const std::string& node, const std::string& log, std::string_view chunk);
    /// Where logs were last written; empty: nowhere.
    const std::string& path() const { return last_; }
    /// Where one log of a node was written; empty: it did not come, or not yet.
    std::string path_of(const std::string& node, const std::string& log) const;
    const std::optional<Finding>& problem() const { return problem_; } ///< the first failure

  private:
    std::string dir_, last_;
    std::set<std::string> written_;
    std::size_t bytes_ = 0;
    bool broken_ = false;
    std::optional<Finding> problem_;
};

/// Whether a folder is there, or can be made with its parents; an empty path is fine. Error (usage).
Result<void> can_make_folder(const std::string& path);

} // namespace railhead
