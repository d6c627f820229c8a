#pragma once
#include "base/environment.hpp"

#include <string>

namespace railhead {

/// Changes with the file, or with what is in that folder and those in it; empty: it did not answer within
/// 5 s, or no file is named.
std::string progress_of(const std::string& file, const Environment& environment);

} // namespace railhead
