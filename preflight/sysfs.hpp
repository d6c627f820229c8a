#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace railhead::sysfs {

/// The first line of a small file, at most 255 bytes of it; empty where it cannot be read.
std::string line_in(const std::string& path);
/// A number there, decimal or with 0x.
std::optional<long> number_in(const std::string& path);
/// What a folder holds, at most so many, in the order in which people count: mlx5_2 before mlx5_10. None
/// where it is not there.
std::vector<std::string> names_in(const std::string& folder, std::size_t most);

} // namespace railhead::sysfs
