#pragma once
#include "topology/cabling.hpp"

#include <string>
#include <vector>

namespace railhead::topology {

/// An SVG picture: pods with their spines, in each its leaf groups with a leaf for each rail and a square for
/// each node. Nodes and leaves with a finding are orange, `marked` nodes (a job's) have a thick frame and are
/// green unless they have a finding; each has its name and its findings as a tooltip. Groups of up to 16
/// nodes show the names as well.
std::string draw(const Fabric& fabric, const Hosts& hosts, const RailMap& map,
                 const std::vector<CablingFinding>& findings, const std::vector<std::string>& marked);

} // namespace railhead::topology
