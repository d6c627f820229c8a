#pragma once
#include "base/environment.hpp"
#include "topology/fabric.hpp"

#include <string>

namespace railhead {

constexpr const char* nvlink_kind = "nvlink";

std::string source_kinds(); ///< for a sentence
/// Of "KIND" or "KIND:FILE".
std::string kind_of(const std::string& from);
bool reads_standard_input(const std::string& from);

/// Error (usage) with the file, and the line where there is one.
Result<topology::Fabric> read_source(const Environment& environment, const std::string& from);

/// A file, or standard input for "-". Error (usage) with its name.
Result<topology::Text> text_of_input(const std::string& path);

} // namespace railhead
