#pragma once
#include "topology/fabric.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace railhead::topology {

/// One cable from a host to a switch.
struct HostPort {
    std::uint32_t host = 0;    ///< index in Hosts::hosts
    std::uint32_t adapter = 0; ///< index in Fabric::devices
    std::uint32_t leaf = 0;    ///< the switch at the other end, index in Fabric::devices
    std::uint32_t link = 0;    ///< index in Fabric::links
    std::string_view device;   ///< the adapter's name on its host, "mlx5_0"; empty: not known
};

/// Of the adapter.
std::uint16_t port_number(const Fabric& fabric, const HostPort& port);

struct Host {
    std::string_view name;
    std::uint32_t first = 0, count = 0; ///< its ports, in the order of their devices' names
    std::uint32_t adapters = 0;         ///< of the plane, with a cable or without
    bool wanted = true;                 ///< one of Naming::nodes
    bool is_double = false;             ///< several machines have this name
    bool is_other = false;              ///< no compute node (topology/other_hosts.hpp)
};

/// The hosts of a fabric, ordered by name.
struct Hosts {
    std::deque<std::string> texts; ///< what names point into that the fabric does not hold
    std::vector<Host> hosts;
    std::vector<HostPort> ports; ///< sorted by host
    std::vector<Finding> findings;
};

/// How names in the fabric become names of nodes; topology/map_file.hpp reads the first two.
struct Naming {
    /// What a map file says: of an adapter's GUID, "host" or "host device"; of a switch's, its name.
    std::unordered_map<std::uint64_t, std::string> adapters;
    /// What a map file says of a host that the source calls otherwise than Slurm does; keys in lower case.
    std::unordered_map<std::string, std::string> hosts;
    /// If given, these are wanted, as spelled here whatever their case and domain in the fabric; others are
    /// hosts, too.
    std::optional<std::vector<std::string>> nodes;
    /// If given, only these devices of a host count.
    std::optional<std::set<std::string, std::less<>>> devices{};
    /// By device of the fabric: adapters of another plane, which are not missed. Empty: none.
    std::vector<bool> is_aside{};
};

/// "node1 HCA-1", "node1.site.org mlx5_0", "node1": the host and its device. Both ways of counting devices
/// occur in one fabric, so HCA-1 is mlx5_0. Empty host: the text is the vendor's, an adapter's, or nobody's.
struct AdapterName {
    std::string_view host, device;
};
AdapterName adapter_name_from(std::string_view description);

/// Adapters without a name take that of a named one on the same board (system image GUID). What is no host's
/// is left out: aggregation nodes of switches (SHARP) silently, adapters that nobody can name with a finding.
Hosts hosts_of(const Fabric& fabric, const Naming& naming);

} // namespace railhead::topology
