#pragma once
#include "topology/fabric.hpp"

namespace railhead::topology {

/// A port has one cable; where the two ends of a text disagree, one has several. Of these a cable that
/// another one contradicts at both of its ends is left out; which of the others is right the text does not
/// tell, and all count. A finding either way (port-twice).
void settle_ports(Fabric& fabric);

} // namespace railhead::topology
