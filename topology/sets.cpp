#include "topology/sets.hpp"

namespace railhead::topology {

DisjointSets join_coinciding(const Lists& members, const Lists& sets) {
    DisjointSets joined(members.size());
    std::vector<std::uint32_t> common(members.size()), met;
    for (std::uint32_t one = 0; one < members.size(); ++one) {
        for (auto member : members[one])
            for (auto other : sets[member])
                if (other > one && common[other]++ == 0) met.push_back(other);
        for (auto other : met) {
            if (mostly_coincide(members[one].size(), members[other].size(), common[other]))
                joined.join(one, other);
            common[other] = 0;
        }
        met.clear();
    }
    return joined;
}

} // namespace railhead::topology
