#include "topology/cabling.hpp"
#include "topology/readers.hpp"
#include "topology/switch_tree.hpp"

#include <cstddef>
#include <cstdint>

// The reader, and all that is made of what it lets through.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace railhead::topology;
    auto fabric = read_ibnetdiscover(Text(std::string_view(reinterpret_cast<const char*>(data), size)));
    if (!fabric) return 0;
    auto hosts = hosts_of(*fabric, {});
    auto map = rail_map_of(*fabric, hosts);
    cabling_findings(*fabric, hosts, map);
    topology_conf(switch_tree_of(hosts, map, {}));
    return 0;
}
