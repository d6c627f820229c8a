#include "slurm/fields.hpp"

#include "base/number.hpp"

#include <algorithm>

namespace railhead {

std::string_view field_of(std::string_view line, std::string_view key) {
    for (std::size_t begin = 0; begin < line.size();) {
        auto end = std::min(line.find_first_of(" \t", begin), line.size());
        auto field = line.substr(begin, end - begin);
        if (field.size() > key.size() && field.starts_with(key) && field[key.size()] == '=')
            return field.substr(key.size() + 1);
        begin = end + 1;
    }
    return {};
}

std::vector<std::string> names_in(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty()) {
        auto end = std::min(list.find(','), list.size());
        if (end > 0) names.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return names;
}

std::vector<int> numbers_in(std::string_view list) {
    constexpr int most = 1024;
    std::vector<int> numbers;
    for (const auto& name : names_in(list)) {
        const std::string_view part = name;
        auto dash = part.find('-', 1);
        auto low = whole_number<int>(part.substr(0, dash));
        auto high = dash == part.npos ? low : whole_number<int>(part.substr(dash + 1));
        for (int number = low.value_or(0); low && high && number <= *high && number - *low < most; ++number)
            numbers.push_back(number);
    }
    return numbers;
}

int release_of(std::string_view version) {
    auto dot = version.find('.');
    auto year = whole_number<int>(version.substr(0, dot));
    if (!year || dot == version.npos) return 0;
    return *year * 100 + leading_number<int>(version.substr(dot + 1)).value_or(0);
}

} // namespace railhead
