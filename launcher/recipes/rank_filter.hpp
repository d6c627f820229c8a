#pragma once
#include "base/error.hpp"

#include <string>
#include <utility>
#include <vector>

namespace railhead {

/// Whose output comes to the console (--ranks): ranges of ranks, first to last.
class RankFilter {
  public:
    RankFilter(); ///< all
    /// "all", "none", "0,3-5". Error (usage).
    static Result<RankFilter> from(const std::string& text);

    bool has(int rank) const;
    bool has_all() const;
    /// What to say where it names ranks that are not there; empty: it does not.
    std::string remark(int ranks) const;
    /// Of the ranks from `first` on, `count` of them, those that it has, numbered from 0.
    std::vector<int> places(int first, int count) const;

  private:
    std::vector<std::pair<int, int>> ranges_;
};

} // namespace railhead
