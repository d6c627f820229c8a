#pragma once
#include "base/environment.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// An RDMA port as the kernel shows it (Documentation/ABI/stable/sysfs-class-infiniband). What cannot be read
/// is empty.
struct RdmaPort {
    std::string device; ///< "mlx5_0"
    std::uint32_t port = 1;
    std::string state;                              ///< "ACTIVE", "DOWN", "INIT", "ARMED"
    std::string link_layer;                         ///< "InfiniBand" or "Ethernet"
    std::string rate;                               ///< "400 Gb/sec (4X NDR)"
    std::map<std::uint32_t, std::string> gid_types; ///< of the GIDs that are set: "IB/RoCE v1", "RoCE v2"

    bool is_active() const { return state == "ACTIVE"; }
    bool is_roce() const { return link_layer == "Ethernet"; }
    bool operator==(const RdmaPort&) const = default;
};

struct NetInterface {
    std::string name;
    bool is_up = false;       ///< IFF_UP
    bool is_loopback = false; ///< IFF_LOOPBACK
    bool operator==(const NetInterface&) const = default;
};

struct Devices {
    std::vector<RdmaPort> ports; ///< in the order of names as people count: mlx5_2 before mlx5_10
    std::vector<NetInterface> interfaces;
};

/// What /sys below `root` shows of them; at most so many of each. Never fails: what is not there is absent.
constexpr std::size_t most_devices = 1024, most_gids = 256;
Devices devices_below(const std::string& root);

/// An interface of containers or virtual machines, which only its own node reaches, and which comes and goes
/// with what runs there.
bool is_of_containers(std::string_view interface);

/// "mlx5_0:1".
std::string name_of(const RdmaPort& port);

} // namespace railhead
