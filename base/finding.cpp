#include "base/finding.hpp"

#include <algorithm>
#include <iterator>

namespace railhead {

std::string_view name_of(Level level) {
    switch (level) {
    case Level::ok:
        return "ok";
    case Level::info:
        return "info";
    case Level::warn:
        return "warn";
    case Level::fail:
        return "fail";
    case Level::unknown:
        break;
    }
    return "unknown";
}

std::string sentence(const Finding& finding) {
    std::string text;
    if (!finding.where.empty()) text += finding.where + ": ";
    text += finding.thing;
    if (!finding.seen.empty()) text += (finding.thing.empty() ? "" : " ") + finding.seen;
    if (!finding.expected.empty()) text += " (expected " + finding.expected + ")";
    if (!finding.next.empty()) text += "; " + finding.next;
    // Parts of it come from files and hosts, and are none of a terminal's business.
    std::replace_if(
        text.begin(), text.end(),
        [](unsigned char c) { return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f; }, '?');
    return text;
}

void sort_worst_first(std::vector<Finding>& findings) {
    constexpr Level order[] = {Level::fail, Level::warn, Level::unknown, Level::info, Level::ok};
    auto place = [&](const Finding& each) {
        return std::find(std::begin(order), std::end(order), each.level);
    };
    std::stable_sort(findings.begin(), findings.end(),
                     [&](const Finding& a, const Finding& b) { return place(a) < place(b); });
}

std::string counted(std::size_t count, std::string_view thing) {
    auto text = std::to_string(count) + " " + std::string(thing);
    return count == 1 ? text : text + "s";
}

} // namespace railhead
