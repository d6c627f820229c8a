#include "topology/cabling_links.hpp"

#include "topology/characters.hpp"
#include "topology/natural.hpp"

#include <fmt/core.h>

namespace railhead::topology {

LinkRates::LinkRates(const Fabric& fabric, const Hosts& hosts, const RailMap& map)
    : fabric_(fabric), hosts_(hosts), map_(map), port_of_(fabric.devices.size(), none),
      is_adapter_of_host_(fabric.devices.size()), is_wanted_adapter_(fabric.devices.size()),
      is_management_(fabric.devices.size()) {
    for (auto leaf : map.management_leaves) is_management_[leaf] = true;
    for (const auto& port : hosts.ports) {
        const auto& host = hosts.hosts[port.host];
        port_of_[port.adapter] = static_cast<std::uint32_t>(&port - hosts.ports.data());
        is_adapter_of_host_[port.adapter] = !host.is_other || !map.grouping.is_rail(port.leaf);
        is_wanted_adapter_[port.adapter] = host.wanted;
    }
    std::array<Rates, link_kinds> rates;
    std::map<std::pair<Kind, std::uint32_t>, Rates> rates_in;
    for (const auto& link : fabric.links) {
        if (!counts(link)) continue;
        const auto kind = kind_of(link);
        ++rates[index(kind)][link.rate.gbps_x10()][link.rate.lanes];
        if (const auto group = group_of(link); group != none)
            ++rates_in[{kind, group}][link.rate.gbps_x10()][link.rate.lanes];
    }
    for (const auto& [place, its] : rates_in) usual_in_[place] = most_have(its);
    for (std::size_t kind = 0; kind < link_kinds; ++kind) usual_[kind] = most_have(rates[kind]);
}

bool LinkRates::is_wanted(const Link& link) const {
    for (auto end : {link.a, link.b})
        if (is_adapter_of_host_[end]) return is_wanted_adapter_[end];
    return is_wanted_leaf(link.a) && is_wanted_leaf(link.b);
}

bool LinkRates::is_wanted_leaf(std::uint32_t device) const {
    auto group = map_.grouping.of_switch[device];
    return group == none || has_wanted(map_.groups[group], hosts_);
}

bool LinkRates::counts(const Link& link) const {
    auto known = [&](std::uint32_t device) {
        return fabric_.is_switch(device) || is_adapter_of_host_[device];
    };
    return link.a != link.b && known(link.a) && known(link.b);
}

LinkRates::Kind LinkRates::kind_of(const Link& link) const {
    const bool is_a = is_adapter_of_host_[link.a], is_b = is_adapter_of_host_[link.b];
    if (is_a || is_b) {
        const auto leaf = is_a ? link.b : link.a;
        if (map_.grouping.of_switch[leaf] != none) return Kind::host;
        return is_management_[leaf] ? Kind::management : Kind::storage;
    }
    if (!map_.grouping.is_leaf[link.a] && !map_.grouping.is_leaf[link.b]) return Kind::core;
    const auto leaf = map_.grouping.is_leaf[link.a] ? link.a : link.b;
    return map_.grouping.of_switch[leaf] == none ? Kind::aside : Kind::uplink;
}

std::uint32_t LinkRates::group_of(const Link& link) const {
    constexpr std::size_t least_hosts = 3;
    for (auto end : {link.a, link.b})
        if (const auto group = map_.grouping.of_switch[end];
            group != none && map_.groups[group].hosts.size() >= least_hosts)
            return group;
    return none;
}

LinkRates::Usual LinkRates::usual_of(const Link& link) const {
    const auto kind = kind_of(link);
    const auto own = usual_in_.find({kind, group_of(link)});
    return own == usual_in_.end() ? usual_[index(kind)] : own->second;
}

LinkRates::Usual LinkRates::most_have(const Rates& rates) {
    std::uint32_t best = 0, most = 0;
    std::uint8_t lanes = 0;
    for (const auto& [rate, by_lanes] : rates) {
        std::uint32_t count = 0;
        for (const auto& [_, links] : by_lanes) count += links;
        if (count < most) continue;
        best = rate, most = count, lanes = by_lanes.rbegin()->first;
    }
    return {best, lanes};
}

/// A cable with both ends in one device, or a plug in one of its ports that sends back what comes.
CablingFinding LinkRates::loop(const Link& link) const {
    const bool is_plug = link.a_port == link.b_port;
    const auto where = fmt::format("{} port {}", name_of(link.a), link.a_port);
    return {{.id = "link-loop",
             .level = Level::warn,
             .where = is_plug ? where : fmt::format("{} - port {}", where, link.b_port),
             .seen = is_plug ? "leads back to itself, as with a loop plug" : "leads back to the same device",
             .expected = "a cable to another one",
             .next = "take it out, or plug its end in where it belongs"},
            0};
}

std::vector<CablingFinding> LinkRates::findings() const {
    std::vector<CablingFinding> found;
    for (const auto& link : fabric_.links) {
        if (link.a == link.b && is_wanted(link)) found.push_back(loop(link));
        if (!counts(link) || link.rate.gbps_x10() == 0) continue;
        const auto usual = usual_of(link);
        if (link.rate.gbps_x10() >= usual.gbps_x10 || !is_wanted(link)) continue;
        auto one = fmt::format("{} port {}", name_of(link.a), link.a_port),
             other = fmt::format("{} port {}", name_of(link.b), link.b_port);
        if (Natural()(other, one)) one.swap(other);
        found.push_back(
            {{.id = link.rate.lanes < usual.lanes ? "link-narrow" : "link-slow",
              .level = Level::warn,
              .where = one + " - " + other,
              .seen = fmt::format("runs at {}", text_of(link.rate)),
              .expected = fmt::format("{:g} Gbit/s, as most links of its kind", usual.gbps_x10 / 10.0)},
             (usual.gbps_x10 - link.rate.gbps_x10()) / 10.0});
    }
    return found;
}

std::string LinkRates::name_of(std::uint32_t device) const {
    if (fabric_.is_switch(device)) return labels_(device);
    const auto text = fabric_.devices[device].description;
    if (port_of_[device] == none) return printable(text);
    const auto& port = hosts_.ports[port_of_[device]];
    const auto host = hosts_.hosts[port.host].name;
    if (adapter_name_from(text).host == host) return printable(text);
    return fmt::format("{}{}{}", host, port.device.empty() ? "" : " ", port.device);
}

} // namespace railhead::topology
