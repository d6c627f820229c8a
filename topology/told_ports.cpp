#include "topology/told_ports.hpp"

#include "topology/characters.hpp"
#include "topology/sets.hpp"
#include "topology/switch_names.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead::topology {
namespace {

/// One with several cables.
struct SharedPort {
    std::uint32_t device;
    std::uint16_t number;
    std::vector<std::uint32_t> links;
};

std::vector<SharedPort> ports_with_several(const Fabric& fabric) {
    const auto& links = fabric.links;
    const Lists of_device(fabric.devices.size(), [&](auto add) {
        for (std::uint32_t i = 0; i < links.size(); ++i) {
            add(links[i].a, i);
            if (links[i].b != links[i].a) add(links[i].b, i);
        }
    });
    std::vector<SharedPort> found;
    std::vector<std::pair<std::uint16_t, std::uint32_t>> its; // port, link
    for (std::uint32_t device = 0; device < of_device.size(); ++device) {
        its.clear();
        for (auto i : of_device[device])
            its.emplace_back(links[i].a == device ? links[i].a_port : links[i].b_port, i);
        std::sort(its.begin(), its.end());
        for (std::size_t at = 1; at < its.size(); ++at) {
            if (its[at].first != its[at - 1].first) continue;
            if (found.empty() || found.back().device != device || found.back().number != its[at].first)
                found.push_back({device, its[at].first, {its[at - 1].second}});
            found.back().links.push_back(its[at].second);
        }
    }
    return found;
}

std::string name_of(const Fabric& fabric, std::uint32_t device) {
    const auto& its = fabric.devices[device];
    return fabric.is_switch(device) ? switch_name_from(its.description, its.guid)
                                    : printable(its.description);
}

} // namespace

void settle_ports(Fabric& fabric) {
    const auto ports = ports_with_several(fabric);
    if (ports.empty()) return;
    std::vector<std::uint8_t> contradicted(fabric.links.size());
    for (const auto& port : ports)
        for (auto link : port.links) ++contradicted[link];
    const auto& first = ports.front();
    const auto &one = fabric.links[first.links[0]], &other = fabric.links[first.links[1]];
    auto far_end = [&](const Link& link) {
        return name_of(fabric, link.a == first.device ? link.b : link.a);
    };
    fabric.findings.push_back(
        {.id = "port-twice",
         .level = Level::warn,
         .where = fmt::format("line {}", std::max(one.line, other.line)),
         .thing = fmt::format("port {} of {}", first.number, name_of(fabric, first.device)),
         .seen = fmt::format(
             "has a cable to {} and, by line {}, one to {}{}", far_end(one.line > other.line ? one : other),
             std::min(one.line, other.line), far_end(one.line > other.line ? other : one),
             ports.size() == 1 ? "" : fmt::format(", the first of {} such ports", ports.size())),
         .expected = "one cable a port",
         .next = "save the output again, while nobody plugs cables"});
    std::vector<Link> kept;
    for (std::size_t i = 0; i < fabric.links.size(); ++i)
        if (contradicted[i] < 2) kept.push_back(fabric.links[i]);
    fabric.links = std::move(kept);
}

} // namespace railhead::topology
