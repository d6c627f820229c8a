#pragma once
#include "topology/switch_tree.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace railhead::topology {

constexpr std::size_t most_listed = 1'000'000; ///< names in all host lists of a file

/// What topology.conf (5) says, line by line. Host lists are expanded; nothing is judged.
struct TopologyConf {
    struct Switch : SwitchLine {
        std::uint32_t line = 0;
        bool has_nodes = false, has_switches = false; ///< the words stand there, be their lists empty or not
    };
    struct Block {
        std::string name;
        std::vector<std::string> nodes;
        std::uint32_t line = 0;
    };
    std::vector<Switch> switches;
    std::vector<Block> blocks;
    std::vector<std::uint32_t> block_sizes;
    std::uint32_t block_sizes_line = 0; ///< 0: not said
    std::size_t listed = 0;             ///< names in all host lists; at most `most_listed`
    std::vector<Finding> findings; ///< words that Slurm knows and Railhead does not (Include), and LinkSpeed
};

/// Keys in any case, blanks around no "=", # to the end of a line, "\" at its end joins the next. Error
/// (usage) with the line for what Slurm's own reader refuses: an unknown key, a value twice, a broken host
/// list.
Result<TopologyConf> read_topology_conf(std::string_view text);

/// The leaf of each node, by the file's own order; of a node under two leaves the last, as Slurm takes it.
struct LeafOf {
    std::vector<std::string> leaves;
    std::vector<std::pair<std::string, std::uint32_t>> nodes; ///< ordered by name; index in leaves
};
LeafOf leaves_of(const TopologyConf& conf);

} // namespace railhead::topology
