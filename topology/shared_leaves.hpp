#pragma once
#include "topology/sets.hpp"

#include <vector>

namespace railhead::topology {

/// By leaf: it is shared by units, so it tells nothing of which leaves belong together.
///
/// The rule: leaves three quarters of whose hosts coincide are a part, which has the hosts that are on more
/// than half of its leaves. A part is shared when two others of more leaves than its own, which have at most
/// half of their hosts in common, have more than half of their hosts in it. `hosts_on` is by leaf,
/// `leaves_of` by host.
std::vector<bool> shared_leaves(const Lists& hosts_on, const Lists& leaves_of);

/// Those whose hosts mostly coincide, by leaf. Shared leaves do not tell which belong together, and join
/// their like only; nor do hosts on one leaf only, where they are no more than the others.
DisjointSets join_leaves(const Lists& hosts_on, const Lists& leaves_of);

} // namespace railhead::topology
