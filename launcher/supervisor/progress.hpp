#pragma once
#include "base/environment.hpp"

#include <string>

namespace railhead {

/// Changes with the file, or with what is in that folder and those in it; empty: it did not answer within
/// 5 s, or no file is named.
std::string progress_of(const std::string& file, const Environment& environment);
/// Why `file` shows no progress between these two answers of it: "ckpt (--progress) has not changed since
/// this start", or is not there; empty: it may have changed.
std::string no_progress(const std::string& file, const std::string& before, const std::string& after);

} // namespace railhead
