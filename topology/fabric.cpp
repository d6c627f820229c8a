#include "topology/fabric.hpp"

#include "topology/sets.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace railhead::topology {
namespace {

struct NamedRate {
    std::string_view name;
    std::uint16_t lane_gbps_x10;
};
/// infiniband-diags, libibmad dump.c (mad_dump_linkspeed*).
constexpr std::array<NamedRate, 9> lane_rates{{{"SDR", 25},
                                               {"DDR", 50},
                                               {"QDR", 100},
                                               {"FDR10", 103},
                                               {"FDR", 140},
                                               {"EDR", 250},
                                               {"HDR", 500},
                                               {"NDR", 1000},
                                               {"XDR", 2000}}};

constexpr std::uint8_t lanes_untold = 10; ///< no link has so many; ten times a tenth is a Gbit/s

/// Bytes that ibnetdiscover spends on a device and its cables, at least.
constexpr std::size_t bytes_for_device = 400;

auto order_of(const Link& link) {
    return std::tuple(link.a_port, link.b, link.b_port, link.line);
}

} // namespace

Rate rate_from(std::string_view text) {
    std::uint8_t lanes = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9' && lanes < 20) {
        lanes = static_cast<std::uint8_t>(lanes * 10 + (text.front() - '0'));
        text.remove_prefix(1);
    }
    if (lanes == 0 || text.empty() || text.front() != 'x') return {};
    text.remove_prefix(1);
    for (const auto& rate : lane_rates)
        if (rate.name == text) return {lanes, rate.lane_gbps_x10};
    return {};
}

Rate rate_of_gbps(std::uint16_t gbps) {
    return {gbps == 0 ? std::uint8_t{0} : lanes_untold, gbps};
}

std::string text_of(Rate rate) {
    if (rate.lanes == lanes_untold) return fmt::format("{}G", rate.lane_gbps_x10);
    for (const auto& named : lane_rates)
        if (named.lane_gbps_x10 == rate.lane_gbps_x10) return fmt::format("{}x{}", rate.lanes, named.name);
    if (rate.gbps_x10() == 0) return "unknown";
    return fmt::format("{}G", rate.gbps_x10() / 10);
}

Fabric joined(std::vector<Fabric> fabrics) {
    if (fabrics.size() == 1) return std::move(fabrics.front());
    Fabric all;
    for (auto& fabric : fabrics) {
        auto first = static_cast<std::uint32_t>(all.devices.size());
        all.devices.insert(all.devices.end(), fabric.devices.begin(), fabric.devices.end());
        for (auto link : fabric.links) {
            link.a += first;
            link.b += first;
            all.links.push_back(link);
        }
        all.findings.insert(all.findings.end(), fabric.findings.begin(), fabric.findings.end());
        fabric.devices = {};
        fabric.links = {};
    }
    all.sources = std::move(fabrics);
    return all;
}

FabricBuilder::FabricBuilder(Text text) {
    fabric_.text = std::move(text);
    auto devices = fabric_.text.view().size() / bytes_for_device;
    by_guid_[static_cast<int>(DeviceKind::adapter)].reserve(devices);
    fabric_.devices.reserve(devices);
}

std::uint32_t FabricBuilder::device(DeviceKind kind, std::uint64_t guid) {
    auto index = static_cast<std::uint32_t>(fabric_.devices.size());
    auto [at, is_new] = by_guid_[static_cast<int>(kind)].try_emplace(guid, index);
    if (is_new) fabric_.devices.push_back({.guid = guid, .kind = kind});
    return at->second;
}

void FabricBuilder::link(std::uint32_t from, std::uint16_t from_port, std::uint32_t to, std::uint16_t to_port,
                         Rate rate, std::uint32_t line) {
    Link link{from, to, from_port, to_port, rate, line};
    if (std::tuple(to, to_port) < std::tuple(from, from_port)) {
        std::swap(link.a, link.b);
        std::swap(link.a_port, link.b_port);
    }
    fabric_.links.push_back(link);
}

Fabric FabricBuilder::finish() && {
    auto& links = fabric_.links;
    Lists of_device(fabric_.devices.size(), [&](auto add) {
        for (std::uint32_t i = 0; i < links.size(); ++i) add(links[i].a, i);
    });
    std::vector<Link> sorted, few;
    sorted.reserve(links.size());
    for (std::size_t device = 0; device < of_device.size(); ++device) {
        few.clear();
        for (auto i : of_device[device]) few.push_back(links[i]);
        std::sort(few.begin(), few.end(),
                  [](const Link& one, const Link& other) { return order_of(one) < order_of(other); });
        for (const auto& link : few) {
            bool is_told = !sorted.empty() && sorted.back().a == link.a &&
                           sorted.back().a_port == link.a_port && sorted.back().b == link.b &&
                           sorted.back().b_port == link.b_port;
            if (!is_told)
                sorted.push_back(link);
            else if (sorted.back().rate == Rate{})
                sorted.back().rate = link.rate;
        }
    }
    sorted.shrink_to_fit();
    links = std::move(sorted);
    return std::move(fabric_);
}

} // namespace railhead::topology
