#pragma once
#include "slurm/inventory.hpp"

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
    std::vector<std::uint32_t> weights{};        ///< of these nodes, each its own
    struct Members {
        std::string name;
        std::vector<std::string> nodes; ///< of them, where the name of a NodeSet stands its nodes
    };
    std::vector<Members> partitions{}; ///< of PartitionName lines, in their order

    std::string value(std::string_view key, const std::string& preset = "") const;
};

/// Gives the text of the file at that path.
using ConfOpener = std::function<Result<std::string>(const std::string& path)>;

/// With what it includes, as Slurm's own reader takes it: keys in any case, # to the end of a line, "\" at
/// its end joins the next; a path that is not absolute is meant from the folder of `path`; %c is the
/// cluster's name. What NodeName=DEFAULT and PartitionName=DEFAULT say holds for the lines below. A NodeSet
/// by features has no nodes here. Error (usage): a file that cannot be opened, a host list that is broken, or
/// a file that includes itself, with the file and the line.
Result<SlurmConf> read_slurm_conf(const std::string& path, const ConfOpener& open);

/// Nodes with their Weights, and partitions; nothing else of them.
Inventory inventory_of(const SlurmConf& conf);

} // namespace railhead
