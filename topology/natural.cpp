#include "topology/natural.hpp"

#include "topology/characters.hpp"

#include <algorithm>
#include <cstddef>

namespace railhead::topology {
namespace {

/// The digits at the front, without leading zeros; all of them are removed from `text`.
std::string_view take_number(std::string_view& text) {
    std::size_t zeros = 0, size = 0;
    while (zeros < text.size() && text[zeros] == '0') ++zeros;
    while (zeros + size < text.size() && is_digit(text[zeros + size])) ++size;
    auto number = text.substr(zeros, size);
    text.remove_prefix(zeros + size);
    return number;
}

} // namespace

std::string_view name_stem(std::string_view name) {
    return name.substr(0, name.find_last_not_of("0123456789") + 1);
}

std::strong_ordering natural_order(std::string_view left, std::string_view right) {
    const auto differ = std::mismatch(left.begin(), left.end(), right.begin(), right.end()).first;
    auto alike = static_cast<std::size_t>(differ - left.begin());
    while (alike > 0 && is_digit(left[alike - 1])) --alike; // a number is compared as a whole
    auto a = left.substr(alike), b = right.substr(alike);
    while (!a.empty() && !b.empty()) {
        if (is_digit(a.front()) && is_digit(b.front())) {
            auto x = take_number(a), y = take_number(b);
            if (auto by_size = x.size() <=> y.size(); std::is_neq(by_size)) return by_size;
            if (auto by_digits = x <=> y; std::is_neq(by_digits)) return by_digits;
            continue;
        }
        if (auto by_letter = a.front() <=> b.front(); std::is_neq(by_letter)) return by_letter;
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    if (auto by_rest = a.size() <=> b.size(); std::is_neq(by_rest)) return by_rest;
    return left <=> right;
}

} // namespace railhead::topology
