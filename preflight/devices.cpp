#include "preflight/devices.hpp"

#include "base/number.hpp"
#include "preflight/sysfs.hpp"

#include <net/if.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string_view>

namespace railhead {
namespace {

/// "4: ACTIVE".
std::string word_of(const std::string& state) {
    auto at = state.find(": ");
    return at == state.npos ? state : state.substr(at + 2);
}

RdmaPort port_at(const std::string& device, std::uint32_t number, const std::string& folder) {
    RdmaPort port{.device = device, .port = number};
    port.state = word_of(sysfs::line_in(folder + "/state"));
    port.link_layer = sysfs::line_in(folder + "/link_layer");
    port.rate = sysfs::line_in(folder + "/rate");
    for (const auto& index : sysfs::names_in(folder + "/gid_attrs/types", most_gids)) {
        auto type =
            sysfs::line_in(folder + "/gid_attrs/types/" + index); // of one that is not set it cannot be read
        auto number_of_gid = whole_number<std::uint32_t>(index);
        if (!type.empty() && number_of_gid) port.gid_types[*number_of_gid] = type;
    }
    return port;
}

} // namespace

Devices devices_below(const std::string& root) {
    Devices devices;
    const auto rdma = root + "/sys/class/infiniband", net = root + "/sys/class/net";
    for (const auto& device : sysfs::names_in(rdma, most_devices))
        for (const auto& port : sysfs::names_in(rdma + "/" + device + "/ports", most_devices))
            if (auto number = whole_number<std::uint32_t>(port);
                number && devices.ports.size() < most_devices)
                devices.ports.push_back(port_at(device, *number, rdma + "/" + device + "/ports/" + port));
    for (const auto& name : sysfs::names_in(net, most_devices)) {
        auto text = sysfs::line_in(net + "/" + name + "/flags"); // "0x1003"
        auto flags = text.starts_with("0x") ? std::strtoul(text.c_str(), nullptr, 16) : 0;
        if (text.empty()) continue; // bonding_masters and the like
        devices.interfaces.push_back(
            {.name = name, .is_up = (flags & IFF_UP) != 0, .is_loopback = (flags & IFF_LOOPBACK) != 0});
    }
    return devices;
}

bool is_of_containers(std::string_view interface) {
    constexpr std::string_view beginnings[] = {"veth",   "docker", "br-",     "virbr", "cni",
                                               "podman", "cali",   "flannel", "lxc",   "tap"};
    return std::any_of(std::begin(beginnings), std::end(beginnings),
                       [&](std::string_view each) { return interface.starts_with(each); });
}

std::string name_of(const RdmaPort& port) {
    return port.device + ":" + std::to_string(port.port);
}

} // namespace railhead
