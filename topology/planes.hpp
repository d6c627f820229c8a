#pragma once
#include "topology/hosts.hpp"

namespace railhead::topology {

/// By device: leaves of a fabric of its own (several switches that no cable joins with others) slower than
/// another one on which most of its hosts are, too: a storage or management plane, whatever its leaves
/// follow. Fabrics of one speed are rails of one plane. Where speeds are not told, there is none.
std::vector<bool> leaves_aside(const Fabric& fabric, const Hosts& hosts);

} // namespace railhead::topology
