#include "base/toml.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <optional>

namespace railhead {

namespace {

/// Where a line has its first byte outside of strings and comments that is not ASCII. Nothing that Railhead
/// reads needs one, and for some toml++ 3.2 to 3.4 has undefined behaviour
/// (is_non_ascii_horizontal_whitespace). A quote begins a string only where a key or a value may begin:
/// toml++ takes that of `1"x"` for a part of the number.
std::optional<std::size_t> stray_byte(std::string_view line) {
    char quote = 0;
    char before = '\n'; // the last that is no blank
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote == '"' && c == '\\')
            ++i;
        else if (quote != 0)
            quote = c == quote ? '\0' : quote;
        else if (c == '#')
            break;
        else if ((c == '"' || c == '\'') &&
                 std::string_view("\n=[{,.").find(before) != std::string_view::npos)
            quote = c;
        else if (static_cast<unsigned char>(c) > 0x7f)
            return i;
        if (c != ' ' && c != '\t') before = c;
    }
    return std::nullopt;
}

} // namespace

tl::expected<toml::table, TomlFault> parse_toml(std::string_view text) {
    std::uint32_t number = 1;
    for (std::size_t begin = 0; begin < text.size(); ++number) {
        const auto end = std::min(text.find('\n', begin), text.size());
        if (const auto column = stray_byte(text.substr(begin, end - begin)))
            return tl::unexpected(
                TomlFault{number, static_cast<std::uint32_t>(*column) + 1,
                          "have a character that is not ASCII outside of strings and comments"});
        begin = end + 1;
    }
    auto parsed = toml::parse(text);
    if (parsed) return std::move(parsed).table();
    const auto& error = parsed.error();
    const auto at = error.source().begin;
    return tl::unexpected(
        TomlFault{at.line, at.column, fmt::format("are not TOML: {}", error.description())});
}

} // namespace railhead
