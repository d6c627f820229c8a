#include "launcher/recipes/rank_filter.hpp"

#include "base/number.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace railhead {
namespace {

constexpr int last_rank = std::numeric_limits<int>::max();

std::optional<std::pair<int, int>> range_from(const std::string& text) {
    auto dash = text.find('-');
    auto first = whole_number<int>(text.substr(0, dash));
    auto last = dash == std::string::npos ? first : whole_number<int>(text.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first) return std::nullopt;
    return std::pair(*first, *last);
}

std::string text_of(const std::pair<int, int>& range) {
    return range.first == range.second ? std::to_string(range.first)
                                       : fmt::format("{}-{}", range.first, range.second);
}

/// In ascending order; those that meet are one.
std::vector<std::pair<int, int>> merged(std::vector<std::pair<int, int>> ranges) {
    std::ranges::sort(ranges);
    std::vector<std::pair<int, int>> whole;
    for (const auto& range : ranges)
        if (!whole.empty() && range.first - 1 <= whole.back().second)
            whole.back().second = std::max(whole.back().second, range.second);
        else
            whole.push_back(range);
    return whole;
}

} // namespace

RankFilter::RankFilter() : ranges_{{0, last_rank}} {}

Result<RankFilter> RankFilter::from(const std::string& text) {
    RankFilter filter;
    if (text == "all") return filter;
    filter.ranges_.clear();
    if (text == "none") return filter;
    for (std::size_t begin = 0; begin <= text.size();) {
        auto end = std::min(text.find(',', begin), text.size());
        auto range = range_from(text.substr(begin, end - begin));
        if (!range)
            return fail(ErrorKind::usage, {.id = "ranks-option",
                                           .thing = "--ranks " + (text.empty() ? "\"\"" : text.substr(0, 60)),
                                           .seen = "is no list of ranks",
                                           .expected = "all, none, or ranks such as 0,3-5"});
        filter.ranges_.push_back(*range);
        begin = end + 1;
    }
    return filter;
}

bool RankFilter::has(int rank) const {
    return std::ranges::any_of(
        ranges_, [&](const auto& range) { return range.first <= rank && rank <= range.second; });
}

bool RankFilter::has_all() const {
    return ranges_ == RankFilter().ranges_;
}

std::string RankFilter::remark(int ranks) const {
    std::vector<std::pair<int, int>> missing;
    for (const auto& [first, last] : ranges_)
        if (last >= ranks && !has_all()) missing.emplace_back(std::max(first, ranks), last);
    if (missing.empty()) return {};
    std::string names;
    for (const auto& range : merged(std::move(missing))) names += (names.empty() ? "" : ",") + text_of(range);
    const bool one = names.find_first_of(",-") == names.npos;
    return fmt::format(
        "--ranks names {} {}, which {} not there: {}", one ? "rank" : "ranks", names, one ? "is" : "are",
        ranks == 1 ? "the only one is rank 0" : fmt::format("the ranks are 0 to {}", ranks - 1));
}

std::vector<int> RankFilter::places(int first, int count) const {
    std::vector<int> found;
    for (int place = 0; place < count; ++place)
        if (has(first + place)) found.push_back(place);
    return found;
}

} // namespace railhead
