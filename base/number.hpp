#pragma once
#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace railhead {

/// A whole decimal number and nothing besides it; absent too when it does not fit.
template <std::integral Number>
std::optional<Number> whole_number(std::string_view text) {
    Number value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return problem == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// The number that the text begins with, whatever follows; absent when it begins with none, or with one that
/// does not fit.
template <std::integral Number>
std::optional<Number> leading_number(std::string_view text) {
    Number value = 0;
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{}
               ? std::optional(value)
               : std::nullopt;
}

} // namespace railhead
