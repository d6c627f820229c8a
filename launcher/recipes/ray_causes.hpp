#pragma once
#include "launcher/plan.hpp"

#include <string>
#include <vector>

namespace railhead {

/// One clause that says why a Ray service died, from the end of its log (oldest line first): "port 6379 is in
/// use on that node". Empty when the log does not tell. Pure; the patterns were recorded from Ray 2.60.
std::string explain_ray(const Process& process, const std::vector<std::string>& log);

} // namespace railhead
