#pragma once
#include "base/finding.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace railhead {

/// Who shall connect to whom, by places in `leaves`, which has the leaf group of each node, or an empty word.
/// Up to `all_pairs` nodes each to each other; of more, each to as many as their number has binary digits,
/// and one node of each leaf group to one of each other, for at most `most_leaf_pairs` of these.
constexpr std::size_t all_pairs = 64, most_leaf_pairs = 4096;
std::vector<std::pair<std::size_t, std::size_t>> connects_of(const std::vector<std::string>& leaves);

/// A connection that did not come about.
struct Unmet {
    std::string from, to; ///< nodes
    std::string address;  ///< of `to`
    std::string why;      ///< "Connection timed out"
};

/// One that nobody reaches, or that reaches nobody, is named once (node-unreached, node-cut-off: fail); else
/// the pairs are (nodes-apart: fail), at most ten of them. `tried`: by names.
std::vector<Finding> connect_verdicts(const std::vector<std::pair<std::string, std::string>>& tried,
                                      const std::vector<Unmet>& unmet);

} // namespace railhead
