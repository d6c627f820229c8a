#include "topology/fabric.hpp"

#include "topology/host_names.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

namespace railhead::topology {
namespace {

struct NamedRate {
    std::string_view name;
    std::uint16_t lane_gbps_x10;
};
/// infiniband-diags, libibmad dump.c (mad_dump_linkspeed*); today's first, for a text names one on each line.
constexpr std::array<NamedRate, 9> lane_rates{{{"XDR", 2000},
                                               {"NDR", 1000},
                                               {"HDR", 500},
                                               {"EDR", 250},
                                               {"FDR", 140},
                                               {"FDR10", 103},
                                               {"QDR", 100},
                                               {"DDR", 50},
                                               {"SDR", 25}}};

constexpr std::uint8_t lanes_untold = 10; ///< no link has so many; ten times a tenth is a Gbit/s

/// Bytes that ibnetdiscover spends on a device and its cables, at least.
constexpr std::size_t bytes_for_device = 400;
constexpr std::size_t bytes_of_names = 4096; ///< that are kept together
constexpr std::size_t bytes_for_end =
    64; ///< of a cable. Room that is not used costs nothing, and growing does

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

namespace {

/// Puts sources side by side.
class Joiner {
  public:
    void add(Fabric& fabric) {
        all_.first_of_source.push_back(static_cast<std::uint32_t>(all_.devices.size()));
        const auto place = add_devices(fabric);
        std::vector<std::pair<std::uint32_t, std::uint32_t>> joins;
        for (auto link : fabric.links) {
            link.a = place[link.a];
            link.b = place[link.b];
            if (joined_.contains(std::minmax(link.a, link.b))) continue;
            if (fabric.is_named) joins.push_back(std::minmax(link.a, link.b));
            if (link.a > link.b) {
                std::swap(link.a, link.b);
                std::swap(link.a_port, link.b_port);
            }
            all_.links.push_back(link);
        }
        joined_.insert(joins.begin(), joins.end());
        all_.findings.insert(all_.findings.end(), fabric.findings.begin(), fabric.findings.end());
        fabric.devices = {};
        fabric.links = {};
    }
    Fabric take() {
        std::stable_sort(all_.links.begin(), all_.links.end(), [](const Link& one, const Link& other) {
            return std::tuple(one.a, one.a_port) < std::tuple(other.a, other.a_port);
        });
        return std::move(all_);
    }

  private:
    /// Where each of them is then.
    std::vector<std::uint32_t> add_devices(const Fabric& fabric) {
        auto is_known = [&](const Device& device) {
            return device.kind == DeviceKind::adapter && named_.contains({device.kind, key_of(device)});
        };
        const bool is_same =
            fabric.is_named && std::any_of(fabric.devices.begin(), fabric.devices.end(), is_known);
        std::vector<std::uint32_t> place;
        for (const auto& device : fabric.devices) {
            place.push_back(static_cast<std::uint32_t>(all_.devices.size()));
            if (fabric.is_named) {
                auto [at, is_new] = named_.try_emplace({device.kind, key_of(device)}, place.back());
                if (is_same && !is_new) {
                    place.back() = at->second;
                    continue;
                }
            }
            all_.devices.push_back(device);
        }
        return place;
    }

    /// Hosts and switches are the same whatever their case and domain; devices of a host are as they are.
    static std::string key_of(const Device& device) {
        const auto end = std::min(device.description.find(' '), device.description.size());
        const auto host = device.description.substr(0, end), rest = device.description.substr(end);
        if (device.kind != DeviceKind::adapter) return in_lower_case(device.description);
        return in_lower_case(without_domain(host)).append(rest);
    }

    Fabric all_;
    std::map<std::pair<DeviceKind, std::string>, std::uint32_t> named_; ///< of named sources
    std::set<std::pair<std::uint32_t, std::uint32_t>> joined_;          ///< by cables of named sources
};

} // namespace

Fabric joined(std::vector<Fabric> fabrics) {
    if (fabrics.size() == 1) return std::move(fabrics.front());
    Joiner joiner;
    for (auto& fabric : fabrics) joiner.add(fabric);
    auto all = joiner.take();
    for (auto flag : {&Fabric::is_named, &Fabric::is_tree})
        all.*flag = std::all_of(fabrics.begin(), fabrics.end(), [&](auto& fabric) { return fabric.*flag; });
    all.sources = std::move(fabrics);
    return all;
}

bool are_the_same(const Fabric& one, const Fabric& other) {
    if (one.is_named || other.is_named) return false;
    using Adapter = std::pair<std::uint64_t, std::string_view>; // as it calls itself
    auto adapters_of = [](const Fabric& fabric) {
        std::vector<Adapter> adapters;
        for (const auto& device : fabric.devices)
            if (device.kind == DeviceKind::adapter) adapters.emplace_back(device.guid, device.description);
        std::sort(adapters.begin(), adapters.end());
        return adapters;
    };
    const auto its = adapters_of(one), others = adapters_of(other);
    std::vector<Adapter> common;
    std::set_intersection(its.begin(), its.end(), others.begin(), others.end(), std::back_inserter(common));
    return common.size() * 2 > std::min(its.size(), others.size());
}

std::size_t Fabric::source_of(std::uint32_t device) const {
    auto next = std::upper_bound(first_of_source.begin(), first_of_source.end(), device);
    return static_cast<std::size_t>(next - first_of_source.begin());
}

DisjointSets islands_of(const Fabric& fabric) {
    DisjointSets islands(fabric.devices.size());
    for (const auto& link : fabric.links)
        if (fabric.joins_switches(link)) islands.join(link.a, link.b);
    return islands;
}

FabricBuilder::FabricBuilder(Text text) {
    fabric_.text = std::move(text);
    auto devices = fabric_.text.view().size() / bytes_for_device;
    by_guid_[static_cast<int>(DeviceKind::adapter)].reserve(devices);
    fabric_.devices.reserve(devices);
    fabric_.links.reserve(fabric_.text.view().size() / bytes_for_end);
}

std::string_view FabricBuilder::keep(std::string_view name) {
    auto& names = fabric_.names;
    if (names.empty() || names.back().capacity() - names.back().size() < name.size())
        names.emplace_back().reserve(std::max(name.size(), bytes_of_names));
    const auto begin = names.back().size();
    names.back() += name;
    return std::string_view(names.back()).substr(begin);
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
    links = std::move(sorted);
    return std::move(fabric_);
}

} // namespace railhead::topology
