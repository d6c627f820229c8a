#include "slurm/conf_file.hpp"
#include "topology/blocks.hpp"
#include "topology/burn_in.hpp"
#include "topology/cabling.hpp"
#include "topology/check.hpp"
#include "topology/diff.hpp"
#include "topology/readers.hpp"
#include "topology/switch_tree.hpp"
#include "topology/topology_yaml.hpp"
#include "topology/wanted.hpp"

#include <cstddef>
#include <cstdint>

using namespace railhead::topology;

namespace {

railhead::Result<Fabric> read(std::uint8_t kind, Text text) {
    switch (kind) {
    case 0:
        return read_inventory_file(std::move(text));
    case 1:
        return read_lldp(std::move(text), LldpFrom::hosts);
    case 2:
        return read_lldp(std::move(text), LldpFrom::switches);
    case 3:
        return read_cloud_topology(std::move(text));
    case 4:
        return read_nvlink_domains(std::move(text));
    case 5:
        return read_ibnetdiscover_ports(std::move(text));
    case 8:
        return read_inventory_toml(std::move(text));
    case 9:
        return read_ibdm_topo(std::move(text));
    default:
        return read_topology_file(std::move(text));
    }
}

void check_and_compare(std::string_view text) {
    (void)check_text(text, {});
    if (auto conf = read_any_topology(text)) diff(*conf, *conf);
    // Every file includes itself.
    auto open = [&](const std::string&) { return railhead::Result<std::string>(text); };
    (void)railhead::read_slurm_conf("/slurm.conf", open);
}

} // namespace

// The first byte says which reader; then all that is made of what it lets through.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 16 == 7) { // '7'
        check_and_compare(text);
        return 0;
    }
    auto fabric = read(data[0] % 16, Text(text));
    if (!fabric) return 0;
    // Of the seeds' nodes some are wanted, others not.
    auto hosts = hosts_of(*fabric, {.adapters = {}, .nodes = {{"node1", "node3", "n2", "a"}}});
    auto map = rail_map_of(*fabric, hosts);
    cabling_findings(*fabric, hosts, map);
    keep_wanted(hosts, map);
    burn_in_pairs(*fabric, hosts, map);
    topology_conf(switch_tree_of(hosts, map, {}));
    topology_conf(blocks_of(hosts, map, {}));
    return 0;
}
