#include "policy/table.hpp"

#include "base/number.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/core.h>

namespace railhead {

namespace {

struct Unit {
    std::string_view name;
    double factor;
};

constexpr std::array time_units{Unit{"ms", 0.001}, Unit{"s", 1}, Unit{"m", 60}, Unit{"h", 3600},
                                Unit{"d", 86400}};
constexpr std::array byte_units{Unit{"B", 1},
                                Unit{"K", 1024},
                                Unit{"KiB", 1024},
                                Unit{"M", 1048576},
                                Unit{"MiB", 1048576},
                                Unit{"G", 1073741824},
                                Unit{"GiB", 1073741824},
                                Unit{"T", 1099511627776},
                                Unit{"TiB", 1099511627776}};

/// A decimal number with an optional unit, blanks between them allowed: "90", "1.5h", "2 m".
std::optional<double> number_with_unit(std::string_view text, std::span<const Unit> units) {
    double number = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number)) return std::nullopt;
    std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    if (unit.empty()) return number;
    for (const Unit& known : units)
        if (unit == known.name) return number * known.factor;
    return std::nullopt;
}

std::optional<Value> parse_ports(const Row& row, std::string_view text) {
    auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    std::array<int, 2> bounds{};
    std::array parts{text.substr(0, dash), text.substr(dash + 1)};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const char* last = parts[i].data() + parts[i].size();
        auto [end, error] = std::from_chars(parts[i].data(), last, bounds[i]);
        if (error != std::errc{} || end != last || bounds[i] < row.low || bounds[i] > row.high)
            return std::nullopt;
    }
    if (bounds[0] > bounds[1]) return std::nullopt;
    return std::string(text);
}

bool is_subnet(std::string_view text) {
    auto slash = text.find('/');
    if (slash == std::string_view::npos || slash > INET6_ADDRSTRLEN) return false;
    std::string address(text.substr(0, slash));
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    int longest = 0;
    if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) longest = 32;
    if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) longest = 128;
    int length = -1;
    const char* last = text.data() + text.size();
    auto [end, error] = std::from_chars(text.data() + slash + 1, last, length);
    return longest > 0 && error == std::errc{} && end == last && length >= 0 && length <= longest;
}

bool is_choice(std::string_view choices, std::string_view text) {
    while (!choices.empty()) {
        auto blank = choices.find(' ');
        if (choices.substr(0, blank) == text) return true;
        choices = blank == std::string_view::npos ? std::string_view{} : choices.substr(blank + 1);
    }
    return false;
}

std::optional<Value> parse_text(const Row& row, std::string_view text) {
    if (text.size() > static_cast<std::size_t>(row.high)) return std::nullopt;
    // A control character would let one setting forge another line of a log or of a protocol.
    for (char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    if (row.type == Type::path && (text.size() < static_cast<std::size_t>(row.low) || text.front() != '/'))
        return std::nullopt;
    return std::string(text);
}

std::string duration(double seconds) {
    for (auto unit : {Unit{"d", 86400}, Unit{"h", 3600}})
        if (seconds >= unit.factor) return fmt::format("{:g} {}", seconds / unit.factor, unit.name);
    return fmt::format("{:g} s", seconds);
}

} // namespace

std::string_view unit_of(const Row& row) {
    if (row.type == Type::seconds) return "s";
    return row.type == Type::bytes ? "bytes" : "";
}

std::string expectation_of(const Row& row) {
    switch (row.type) {
    case Type::choice: {
        std::string words;
        for (char c : row.choices) words += c == ' ' ? std::string("\" or \"") : std::string(1, c);
        return '"' + words + '"';
    }
    case Type::seconds:
        return fmt::format("a time from {} to {}, such as 90, \"90s\" or \"2m\"", duration(row.low),
                           duration(row.high));
    case Type::count:
        return fmt::format("a whole number from {:g} to {:g}", row.low, row.high);
    case Type::bytes:
        return "a number of bytes, such as 0, \"512M\" or \"20G\"";
    case Type::ports:
        return fmt::format("\"LOW-HIGH\" with {:g} <= LOW <= HIGH <= {:g}", row.low, row.high);
    case Type::subnet:
        return "a subnet such as \"10.1.0.0/16\" or \"fd00::/8\"";
    case Type::path:
        return fmt::format("an absolute path of at most {:g} bytes", row.high);
    case Type::text:
        break;
    }
    return fmt::format("text of at most {:g} bytes without control characters", row.high);
}

std::optional<Value> parse_value(const Row& row, std::string_view text) {
    switch (row.type) {
    case Type::choice:
        return is_choice(row.choices, text) ? std::optional<Value>(std::string(text)) : std::nullopt;
    case Type::seconds:
    case Type::bytes: {
        bool is_time = row.type == Type::seconds;
        auto number = is_time ? number_with_unit(text, time_units) : number_with_unit(text, byte_units);
        if (!number || *number < row.low || *number > row.high) return std::nullopt;
        if (is_time) return *number;
        return static_cast<std::int64_t>(*number);
    }
    case Type::count: {
        auto number = whole_number<std::int64_t>(text);
        auto value = static_cast<double>(number.value_or(-1));
        return number && value >= row.low && value <= row.high ? std::optional<Value>(*number) : std::nullopt;
    }
    case Type::ports:
        return parse_ports(row, text);
    case Type::subnet:
        return text.empty() || is_subnet(text) ? std::optional<Value>(std::string(text)) : std::nullopt;
    case Type::path:
    case Type::text:
        break;
    }
    return parse_text(row, text);
}

std::string text_of(const Value& value) {
    if (const auto* seconds = std::get_if<double>(&value)) return fmt::format("{:g}", *seconds);
    if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *number);
    if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "on" : "off";
    return std::get<std::string>(value);
}

} // namespace railhead
