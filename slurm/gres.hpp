#pragma once
#include "base/error.hpp"
#include "slurm/request.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// Reads a tres_per_* field of job_desc_msg_t, in the grammar of every version from 22.05 to 26.05:
///   gres:gpu:16   gres/gpu:h100:8   gres/gpu=1   gres/gpu:h100=1   gres:gpu:4,gres:gpu:1   cpu=2,gres/gpu:1
/// TRES that are no GRES (cpu, mem, license/...) and counts of 0 are left out, as Slurm does; of two items of
/// one name and type the last holds (seen on 22.05, 24.11 and 26.05: "gpu:9,gpu:2" is given 2). Suffixes of
/// counts as in slurm.conf(5): k, m, g, t, p (1024), kb ... (1000). Source: slurm_get_next_tres() of 24.11.
/// Error (usage): position, text, seen, expected.
Result<std::vector<GresItem>> parse_tres(std::string_view text, Per per);

/// One generic resource of a node.
struct NodeGres {
    std::string gres, type; ///< type empty: none configured
    std::uint64_t count = 0;
    bool operator==(const NodeGres&) const = default;
};

/// Reads the Gres of a node: "gpu:h100:8(S:0-1),nic:2"; entries of one name and type are added up. "(null)"
/// and empty are none. Error (usage) with the position.
Result<std::vector<NodeGres>> parse_node_gres(std::string_view text);

} // namespace railhead
