#include "slurm/time_text.hpp"

#include "base/number.hpp"

#include <array>

namespace railhead {
namespace {

/// A whole number and nothing else.
std::optional<std::uint64_t> number_from(std::string_view text) {
    auto value = whole_number<std::uint64_t>(text);
    return value && *value < 1ULL << 40 ? value : std::nullopt;
}

} // namespace

std::optional<std::uint64_t> seconds_from(std::string_view text) {
    std::uint64_t days = 0;
    auto dash = text.find('-');
    bool has_days = dash != text.npos;
    if (has_days) {
        auto number = number_from(text.substr(0, dash));
        if (!number) return std::nullopt;
        days = *number;
        text.remove_prefix(dash + 1);
    }
    std::array<std::uint64_t, 3> parts{};
    std::size_t count = 0;
    while (true) {
        auto part = text.substr(0, text.find(':'));
        auto number = count < parts.size() ? number_from(part) : std::nullopt;
        if (!number) return std::nullopt;
        parts[count++] = *number;
        if (part.size() == text.size()) break;
        text.remove_prefix(part.size() + 1);
    }
    // "minutes", "minutes:seconds", "hours:minutes:seconds"; after days: "hours", "hours:minutes", all three.
    bool from_hours = has_days || count == 3;
    auto hours = from_hours ? parts[0] : 0;
    auto minutes = from_hours ? parts[1] : parts[0];
    auto seconds = from_hours ? parts[2] : parts[1];
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

std::optional<std::uint32_t> minutes_from(std::string_view text) {
    if (text == "UNLIMITED" || text == "INFINITE") return UINT32_MAX;
    auto seconds = seconds_from(text);
    if (!seconds) return std::nullopt;
    auto total = (*seconds + 59) / 60;
    return total < UINT32_MAX ? std::optional(static_cast<std::uint32_t>(total)) : std::nullopt;
}

std::optional<std::uint64_t> mebibytes_from(std::string_view text) {
    if (text.ends_with('n') || text.ends_with('c')) text.remove_suffix(1); // sacct of old: per node, per CPU
    char unit = text.empty() || (text.back() >= '0' && text.back() <= '9') ? 'M' : text.back();
    if (unit != 'M' || text.ends_with('M')) text.remove_suffix(1);
    auto number = number_from(text);
    if (!number) return std::nullopt;
    switch (unit) {
    case 'K':
    case 'k':
        return (*number + 1023) / 1024;
    case 'M':
    case 'm':
        return *number;
    case 'G':
    case 'g':
        return *number * 1024;
    case 'T':
    case 't':
        return *number * 1024 * 1024;
    default:
        return std::nullopt;
    }
}

} // namespace railhead
