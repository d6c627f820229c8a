#pragma once
#include <compare>
#include <string_view>

namespace railhead::topology {

/// Names as people order them: node2 before node10. Numbers that are equal but written differently ("01",
/// "1") are ordered by their text, so that only equal texts are equal.
std::strong_ordering natural_order(std::string_view left, std::string_view right);

/// "node" of "node12"
std::string_view name_stem(std::string_view name);

struct Natural {
    bool operator()(std::string_view left, std::string_view right) const {
        return std::is_lt(natural_order(left, right));
    }
};

} // namespace railhead::topology
