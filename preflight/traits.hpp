#pragma once
#include "base/finding.hpp"
#include "preflight/node_facts.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace railhead {

/// What should be alike on all nodes of a job: "NVIDIA driver" -> "570.86.15". What is not known is absent.
using Traits = std::map<std::string, std::string>;

/// `root` as for node_facts().
Traits traits_of(const std::string& root, const NodeFacts& facts);

/// odd-one: nodes that differ in a trait from more than half of those that have it, or that no such half is
/// there. By name of the node.
std::vector<Finding> odd_ones(const std::vector<std::pair<std::string, Traits>>& nodes);

} // namespace railhead
