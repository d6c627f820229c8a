#pragma once
#include "topology/grouping.hpp"

#include <string>
#include <vector>

namespace railhead::topology {

/// Units of leaf groups that the same switches join: pods, what joins pods, and so on up.
struct Tier {
    std::uint32_t units = 0;                ///< numbered by their first group
    std::vector<std::uint32_t> of_group;    ///< by leaf group
    std::vector<std::string> names;         ///< by unit
    std::vector<std::uint32_t> joined_by{}; ///< by unit: the one switch that joins its parts; `none`: several
};

/// From the lowest up. Two groups are of one unit when the switches above them mostly coincide, or when one
/// has more than half of the other's, and so on for units. The last tier holds the islands: units between
/// which there is no cable at all are never joined. Without spines, two groups are of one unit when cables
/// join them, a third one is around both, and so are more than half of those around the one with fewer: those
/// of a dragonfly's group of three or more, and all of a flat fabric. In a torus, a ring and a dragonfly of
/// pairs, whose cables tell nothing of pairs, none are, and there are islands only; also where one of such a
/// unit lacks cables to more than half of the others, or most are alone: a dragonfly with more cables between
/// pods than in them, or of pairs of which three happen to be joined.
std::vector<Tier> tiers_of(const Fabric& fabric, const Grouping& grouping);

} // namespace railhead::topology
