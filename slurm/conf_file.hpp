#pragma once
#include "base/error.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// What slurm.conf (5) says, as far as one asks without a controller. Nothing is judged.
struct SlurmConf {
    std::map<std::string, std::string> values{}; ///< of lines with one word: key in lower case -> value
    std::vector<std::string> nodes{};            ///< of NodeName lines, in their order

    std::string value(std::string_view key, const std::string& preset = "") const;
};

/// Gives the text of the file at that path.
using ConfOpener = std::function<Result<std::string>(const std::string& path)>;

/// With what it includes, as Slurm's own reader takes it: keys in any case, # to the end of a line, "\" at
/// its end joins the next; a path that is not absolute is meant from the folder of `path`; %c is the
/// cluster's name. Error (usage): a file that cannot be opened, a host list that is broken, or a file that
/// includes itself, with the file and the line.
Result<SlurmConf> read_slurm_conf(const std::string& path, const ConfOpener& open);

} // namespace railhead
