#include "base/finding.hpp"

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
    return text;
}

std::string counted(std::size_t count, std::string_view thing) {
    auto text = std::to_string(count) + " " + std::string(thing);
    return count == 1 ? text : text + "s";
}

} // namespace railhead
