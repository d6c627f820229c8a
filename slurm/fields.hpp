#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// The value of "KEY=..." in a line of key=value fields, as scontrol prints them; empty when there is none.
std::string_view field_of(std::string_view line, std::string_view key);

/// "a,b,,c" -> a b c
std::vector<std::string> names_in(std::string_view list);

/// "0,2-4" -> 0 2 3 4; parts that are no numbers are left out, and of a range more than 1,024.
std::vector<int> numbers_in(std::string_view list);

/// 2411 of "24.11.5"; 0: it is no version.
int release_of(std::string_view version);

} // namespace railhead
