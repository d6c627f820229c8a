#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// What `--constraint` asks of nodes: a node fits when it has every feature of one of the sets.
struct Constraint {
    using Features = std::vector<std::string>;
    std::vector<Features> any_of;
    bool same_on_all = false; ///< "[a|b]": all nodes of the job must fit the same set
    bool operator==(const Constraint&) const = default;
};

/// Reads the grammar of sbatch(1) as far as a node alone can be judged: names, "&", "|", parentheses, and
/// brackets around alternatives. Absent for the rest, about which nothing is to be said: counts ("a*2"),
/// "&" beside "|" without parentheses (Slurm reads from left to right), text that Slurm rejects itself, more
/// than 64 sets.
std::optional<Constraint> parse_constraint(std::string_view text);

/// "a,b" -> a b, sorted: a node's features as scontrol and slurm.conf write them.
std::vector<std::string> node_features(std::string_view list);

/// Whether a node with these (sorted) features has every one of the set.
bool has_all(const std::vector<std::string>& features, const Constraint::Features& set);

} // namespace railhead
