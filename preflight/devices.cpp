#include "preflight/devices.hpp"

#include "base/fd.hpp"
#include "base/number.hpp"

#include <net/if.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace railhead {
namespace {

namespace fs = std::filesystem;

/// The first line of a small file; empty where it cannot be read.
std::string line_in(const std::string& path) {
    constexpr std::size_t most = 256;
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return {};
    std::string text(most, '\0');
    auto size = ::read(file.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    text.resize(std::min(text.find('\n'), text.size()));
    return text;
}

/// Shorter numbers first, so that mlx5_2 stands before mlx5_10.
bool comes_before(const std::string& a, const std::string& b) {
    auto stem = [](const std::string& name) {
        return name.substr(0, name.find_last_not_of("0123456789") + 1);
    };
    auto first = stem(a), second = stem(b);
    if (first != second) return first < second;
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::vector<std::string> names_in(const std::string& folder, std::size_t most) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator each(folder, error), end; !error && each != end && names.size() < most;
         each.increment(error))
        names.push_back(each->path().filename());
    std::sort(names.begin(), names.end(), comes_before);
    return names;
}

/// "4: ACTIVE".
std::string word_of(const std::string& state) {
    auto at = state.find(": ");
    return at == state.npos ? state : state.substr(at + 2);
}

RdmaPort port_at(const std::string& device, std::uint32_t number, const std::string& folder) {
    RdmaPort port{.device = device, .port = number};
    port.state = word_of(line_in(folder + "/state"));
    port.link_layer = line_in(folder + "/link_layer");
    port.rate = line_in(folder + "/rate");
    for (const auto& index : names_in(folder + "/gid_attrs/types", most_gids)) {
        auto type = line_in(folder + "/gid_attrs/types/" + index); // of one that is not set it cannot be read
        auto number_of_gid = whole_number<std::uint32_t>(index);
        if (!type.empty() && number_of_gid) port.gid_types[*number_of_gid] = type;
    }
    return port;
}

} // namespace

Devices devices_below(const std::string& root) {
    Devices devices;
    const auto rdma = root + "/sys/class/infiniband", net = root + "/sys/class/net";
    for (const auto& device : names_in(rdma, most_devices))
        for (const auto& port : names_in(rdma + "/" + device + "/ports", most_devices))
            if (auto number = whole_number<std::uint32_t>(port);
                number && devices.ports.size() < most_devices)
                devices.ports.push_back(port_at(device, *number, rdma + "/" + device + "/ports/" + port));
    for (const auto& name : names_in(net, most_devices)) {
        auto text = line_in(net + "/" + name + "/flags"); // "0x1003"
        auto flags = text.starts_with("0x") ? std::strtoul(text.c_str(), nullptr, 16) : 0;
        if (text.empty()) continue; // bonding_masters and the like
        devices.interfaces.push_back(
            {.name = name, .is_up = (flags & IFF_UP) != 0, .is_loopback = (flags & IFF_LOOPBACK) != 0});
    }
    return devices;
}

std::string name_of(const RdmaPort& port) {
    return port.device + ":" + std::to_string(port.port);
}

} // namespace railhead
