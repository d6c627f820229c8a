#pragma once
#include "base/environment.hpp"

#include <map>
#include <string>

namespace railhead {

/// The content of attach.json, which `railhead attach` reads: `order` (JSON with the launch's variables in
/// "env") with ${dir} filled, and with what programs of the job find theirs by: PATH, VIRTUAL_ENV, PYTHONPATH
/// and CONDA_PREFIX of `job`, those that are set. What the launch sets itself (--env) stays. Pure.
std::string attach_text(const std::string& order, const std::string& dir, const Environment& job);

/// What a command sees that attaches: `own` with the variables of a read `text`. In PATH the job's folders go
/// first, and those of the user's shell follow. Of a text that is no such JSON nothing is taken. Pure.
std::map<std::string, std::string> attached_environment(std::map<std::string, std::string> own,
                                                        const std::string& text);

} // namespace railhead
