#include "topology/cabling.hpp"

#include "topology/natural.hpp"
#include "topology/switch_names.hpp"
#include "topology/uplinks.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

namespace railhead::topology {
namespace {

constexpr std::size_t rare = 16; ///< one node of so many is odd at most, where names follow units

/// Links are compared with their like: from a host to a leaf of its group, or to one that groups share
/// (storage), from a leaf up, from a spine up.
enum class LinkKind { host, shared, uplink, core };

class Inspector {
  public:
    Inspector(const Fabric& fabric, const Hosts& hosts, const RailMap& map)
        : fabric_(fabric), hosts_(hosts), map_(map), is_adapter_of_host_(fabric.devices.size()),
          is_wanted_adapter_(fabric.devices.size()) {
        for (const auto& port : hosts.ports) {
            is_adapter_of_host_[port.adapter] = true;
            is_wanted_adapter_[port.adapter] = hosts.hosts[port.host].wanted;
        }
        for (const auto& link : fabric.links)
            if (counts(link)) ++rates_[index(kind_of(link))][link.rate.gbps_x10()][link.rate.lanes];
        for (auto kind : {LinkKind::host, LinkKind::shared, LinkKind::uplink, LinkKind::core})
            usual_[index(kind)] = most_have(kind);
    }

    std::vector<CablingFinding> findings() {
        look_at_rails();
        look_at_idle_adapters();
        look_at_units();
        look_at_hosts();
        look_at_links();
        for (auto& found : uplink_findings(fabric_, hosts_, map_)) out_.push_back(std::move(found));
        // Of one cost in the order of their names, which no order of the source changes.
        auto dearer = [](const CablingFinding& one, const CablingFinding& other) {
            if (one.cost_gbps != other.cost_gbps) return one.cost_gbps > other.cost_gbps;
            const auto &left = one.finding, &right = other.finding;
            if (auto order = left.id <=> right.id; std::is_neq(order)) return std::is_lt(order);
            if (auto order = natural_order(left.where, right.where); std::is_neq(order))
                return std::is_lt(order);
            if (auto order = natural_order(left.thing, right.thing); std::is_neq(order))
                return std::is_lt(order);
            return std::is_lt(natural_order(left.seen, right.seen));
        };
        std::sort(out_.begin(), out_.end(), dearer);
        return std::move(out_);
    }

  private:
    static std::size_t index(LinkKind kind) { return static_cast<std::size_t>(kind); }
    void say(Finding finding, double cost_gbps) {
        finding.level = cost_gbps > 0 ? Level::warn : Level::info;
        out_.push_back({std::move(finding), cost_gbps});
    }
    std::string switch_name(std::uint32_t device) const {
        return switch_name_from(fabric_.devices[device].description, fabric_.devices[device].guid);
    }
    std::string host_name(std::uint32_t host) const { return std::string(hosts_.hosts[host].name); }
    std::string group_name(std::uint32_t group) const {
        return group == none ? "no group" : map_.groups[group].name;
    }

    bool is_wanted(const LeafGroup& group) const {
        return std::any_of(group.hosts.begin(), group.hosts.end(),
                           [&](std::uint32_t host) { return hosts_.hosts[host].wanted; });
    }
    /// Of the host at its one end, or of the leaf; what joins leaves is everybody's.
    bool is_wanted(const Link& link) const {
        for (auto end : {link.a, link.b})
            if (is_adapter_of_host_[end]) return is_wanted_adapter_[end];
        return is_wanted_leaf(link.a) && is_wanted_leaf(link.b);
    }
    bool is_wanted_leaf(std::uint32_t device) const {
        auto group = map_.grouping.of_switch[device];
        return group == none || is_wanted(map_.groups[group]);
    }
    bool counts(const Link& link) const {
        auto known = [&](std::uint32_t device) {
            return fabric_.devices[device].kind == DeviceKind::network_switch || is_adapter_of_host_[device];
        };
        return known(link.a) && known(link.b);
    }
    LinkKind kind_of(const Link& link) const {
        if (is_adapter_of_host_[link.a] || is_adapter_of_host_[link.b]) {
            const auto leaf = is_adapter_of_host_[link.a] ? link.b : link.a;
            return map_.grouping.of_switch[leaf] == none ? LinkKind::shared : LinkKind::host;
        }
        return map_.grouping.is_leaf[link.a] || map_.grouping.is_leaf[link.b] ? LinkKind::uplink
                                                                              : LinkKind::core;
    }
    /// What most links of a kind have, in tenths of Gbit/s; the most lanes at that rate.
    std::pair<std::uint32_t, std::uint8_t> most_have(LinkKind kind) const {
        std::uint32_t best = 0, most = 0;
        std::uint8_t lanes = 0;
        for (const auto& [rate, by_lanes] : rates_[index(kind)]) {
            std::uint32_t count = 0;
            for (const auto& [_, links] : by_lanes) count += links;
            if (count < most) continue;
            best = rate, most = count, lanes = by_lanes.rbegin()->first;
        }
        return {best, lanes};
    }

    /// A rail that half of the groups have or more, and one lacks is one finding about the group, not one for
    /// each of its nodes. A group that lacks most of them holds nodes of another kind.
    void look_at_rails() {
        double one_rail = usual_[index(LinkKind::host)].first / 10.0;
        std::map<std::string_view, std::uint32_t> groups_with;
        for (const auto& group : map_.groups)
            for (const auto& rail : group.rails) ++groups_with[rail.device];
        auto is_usual = [&](const auto& rail) {
            return !rail.first.empty() && rail.second * 2 >= map_.groups.size();
        };
        auto usual_rails =
            static_cast<std::size_t>(std::count_if(groups_with.begin(), groups_with.end(), is_usual));
        for (const auto& [device, count] : groups_with) {
            if (!is_usual(std::pair(device, count))) continue;
            for (const auto& group : map_.groups) {
                if (group.rails.size() * 2 <= usual_rails || !is_wanted(group)) continue;
                auto has = [&device = device](const Rail& rail) { return rail.device == device; };
                if (std::any_of(group.rails.begin(), group.rails.end(), has)) continue;
                lacking_.insert(group.name);
                say({.id = "leaf-missing",
                     .where = group.name,
                     .seen = fmt::format("has no leaf switch on rail {}", device),
                     .expected =
                         fmt::format("one, as {} other group{}", count, count == 1 ? " has" : "s have"),
                     .next = "look for the switch, or for its cables"},
                    one_rail * static_cast<double>(group.hosts.size()));
            }
        }
    }

    /// Most nodes of one group have an adapter without a cable, and those of another do not: a leaf is gone.
    void look_at_idle_adapters() {
        std::vector<std::uint32_t> idle; // in the middle of each group
        for (const auto& group : map_.groups) {
            std::vector<std::uint32_t> each;
            for (auto host : group.hosts)
                each.push_back(hosts_.hosts[host].adapters -
                               std::min(hosts_.hosts[host].adapters, hosts_.hosts[host].count));
            std::nth_element(each.begin(), each.begin() + static_cast<std::ptrdiff_t>(each.size() / 2),
                             each.end());
            idle.push_back(each[each.size() / 2]);
        }
        if (idle.empty()) return;
        const auto least = *std::min_element(idle.begin(), idle.end());
        for (std::size_t i = 0; i < idle.size(); ++i) {
            const auto& group = map_.groups[i];
            if (idle[i] == least || group.hosts.size() < 2 || lacking_.contains(group.name) ||
                !is_wanted(group))
                continue;
            say({.id = "leaf-missing",
                 .where = group.name,
                 .seen = fmt::format(
                     "has {} more adapters without a cable on most of its {} nodes than other groups have",
                     idle[i] - least, group.hosts.size()),
                 .expected = "a leaf switch for each rail",
                 .next = "look for the switch, or for its cables"},
                std::max(1.0, usual_[index(LinkKind::host)].first / 10.0) * group.hosts.size() *
                    (idle[i] - least));
        }
    }

    /// A node between two of another unit, by its name, may be cabled to the wrong one. Where that is common,
    /// names do not follow units.
    void look_at_units() {
        std::vector<std::uint32_t> order;
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host)
            if (map_.grouping.of_host[host] != none) order.push_back(host);
        std::sort(order.begin(), order.end(),
                  [&](auto a, auto b) { return Natural()(hosts_.hosts[a].name, hosts_.hosts[b].name); });
        std::vector<std::size_t> odd;
        for (std::size_t i = 1; i + 1 < order.size(); ++i) {
            const auto before = map_.grouping.of_host[order[i - 1]],
                       after = map_.grouping.of_host[order[i + 1]];
            if (before == after && before != map_.grouping.of_host[order[i]] &&
                map_.groups[before].hosts.size() > 2)
                odd.push_back(i);
        }
        if (odd.size() * rare > order.size()) return;
        for (auto i : odd) {
            if (!hosts_.hosts[order[i]].wanted) continue;
            say({.id = "unit-odd",
                 .where = host_name(order[i]),
                 .seen = fmt::format("is in {}, and the nodes before and behind it by name in {}",
                                     group_name(map_.grouping.of_host[order[i]]),
                                     group_name(map_.grouping.of_host[order[i - 1]])),
                 .next = "look whether it is cabled to the wrong unit"},
                std::max(1.0, usual_[index(LinkKind::host)].first / 10.0));
        }
    }

    bool is_rails(const HostPort& port) const {
        return map_.grouping.is_leaf[port.leaf] && map_.grouping.of_switch[port.leaf] != none;
    }
    std::uint32_t cables_of(const Host& host) const {
        auto begin = hosts_.ports.begin() + host.first;
        return static_cast<std::uint32_t>(
            std::count_if(begin, begin + host.count, [&](const HostPort& port) { return is_rails(port); }));
    }
    /// By group: to how many leaves most of its hosts have cables.
    std::vector<std::uint32_t> usual_cables() const {
        std::vector<std::uint32_t> usual;
        for (const auto& group : map_.groups) {
            std::map<std::uint32_t, std::uint32_t> hosts_with;
            for (auto host : group.hosts) ++hosts_with[cables_of(hosts_.hosts[host])];
            auto fewer = [](const auto& one, const auto& other) { return one.second <= other.second; };
            auto most = std::max_element(hosts_with.begin(), hosts_with.end(), fewer);
            usual.push_back(most == hosts_with.end() ? 0 : most->first);
        }
        return usual;
    }

    void look_at_hosts() {
        const auto usual = usual_cables();
        number_rails();
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host) {
            const auto& all = hosts_.hosts[host];
            if (!all.wanted) continue;
            if (all.count == 0) {
                say({.id = "host-unplugged", .where = host_name(host), .seen = "has no cable on any adapter"},
                    std::max(1.0, one_rail()) * all.adapters);
                continue;
            }
            std::vector<std::string_view> reached;
            for (auto i = all.first; i < all.first + all.count; ++i)
                if (is_on_leaf(hosts_.ports[i])) reached.push_back(hosts_.ports[i].device);
            auto own = map_.grouping.of_host[host];
            if (own != none && cables_of(all) < usual[own])
                look_for_rails(host, own, reached, usual[own], one_rail());
        }
    }

    double one_rail() const { return usual_[index(LinkKind::host)].first / 10.0; }
    std::uint16_t number_of(const HostPort& port) const {
        const auto& link = fabric_.links[port.link];
        return link.a == port.adapter ? link.a_port : link.b_port;
    }

    /// Which rail each leaf of a group is, and which port of the adapter most hosts have there.
    void number_rails() {
        rail_of_.resize(fabric_.devices.size());
        port_of_.resize(fabric_.devices.size());
        for (const auto& group : map_.groups)
            for (const auto& rail : group.rails)
                for (auto leaf : rail.switches) rail_of_[leaf] = &rail;
        std::map<std::uint32_t, std::map<std::uint16_t, std::uint32_t>> with; // leaf -> port -> hosts
        for (const auto& port : hosts_.ports)
            if (rail_of_[port.leaf] && rail_of_[port.leaf]->device == port.device)
                ++with[port.leaf][number_of(port)];
        auto fewer = [](const auto& one, const auto& other) { return one.second < other.second; };
        for (const auto& [leaf, ports] : with)
            port_of_[leaf] = std::max_element(ports.begin(), ports.end(), fewer)->first;
    }

    /// Says where the cable is wrong; false when it leads to no leaf.
    bool is_on_leaf(const HostPort& port) {
        auto group = map_.grouping.of_switch[port.leaf], own = map_.grouping.of_host[port.host];
        if (!map_.grouping.is_leaf[port.leaf]) {
            say({.id = "host-on-spine",
                 .where = host_name(port.host),
                 .thing = std::string(port.device),
                 .seen = fmt::format("is cabled to {}, which joins leaves", switch_name(port.leaf)),
                 .expected = "a leaf"},
                one_rail());
            return false;
        }
        if (group != none && group != own)
            say({.id = "foreign-cable",
                 .where = host_name(port.host),
                 .thing = std::string(port.device),
                 .seen = fmt::format("is cabled to {} of {}", switch_name(port.leaf), group_name(group)),
                 .expected = fmt::format("a leaf of {}, where its other cables are", group_name(own))},
                one_rail());
        else if (group != none && !port.device.empty())
            look_at_rail(port);
        return true;
    }

    void look_at_rail(const HostPort& port) {
        const auto* expected = rail_named(map_.grouping.of_host[port.host], port.device);
        const auto& device = rail_of_[port.leaf]->device;
        bool is_its = device == port.device, is_other_port = number_of(port) != port_of_[port.leaf];
        if (!expected || (is_its && !is_other_port)) return;
        auto leaf = std::find_if(expected->switches.begin(), expected->switches.end(),
                                 [&](auto each) { return port_of_[each] == number_of(port); });
        if (is_its && leaf == expected->switches.end()) return; // no leaf is of that port
        auto named = [&](std::string_view of, std::uint32_t number) {
            return is_its ? fmt::format("{} port {}", of, number) : std::string(of);
        };
        say({.id = "rail-swapped",
             .where = host_name(port.host),
             .thing = named(port.device, number_of(port)),
             .seen = fmt::format("is cabled to {}, the leaf of {}", switch_name(port.leaf),
                                 named(device, port_of_[port.leaf])),
             .expected = switch_name(leaf == expected->switches.end() ? expected->switches.front() : *leaf)},
            one_rail());
    }

    const Rail* rail_named(std::uint32_t group, std::string_view device) const {
        for (const auto& rail : map_.groups[group].rails)
            if (rail.device == device) return &rail;
        return nullptr;
    }

    /// A host that has fewer cables than most of its group. Which it lacks is told where its devices are
    /// named as the others'.
    void look_for_rails(std::uint32_t host, std::uint32_t own, const std::vector<std::string_view>& reached,
                        std::uint32_t usual, double one_rail) {
        std::vector<std::string_view> lacks;
        const auto& rails = map_.groups[own].rails;
        for (const auto& rail : rails)
            if (!rail.device.empty() &&
                std::find(reached.begin(), reached.end(), rail.device) == reached.end())
                lacks.push_back(rail.device);
        const auto cables = cables_of(hosts_.hosts[host]), lost = usual - cables;
        auto seen = lacks.size() == lost
                        ? fmt::format("has no cable on {} of {} rails ({})", lost, rails.size(),
                                      fmt::join(lacks, ", "))
                        : fmt::format("has {} cable{} to leaves", cables, cables == 1 ? "" : "s");
        say({.id = "rail-missing",
             .where = host_name(host),
             .seen = std::move(seen),
             .expected =
                 lacks.size() == lost ? "" : fmt::format("{}, as most nodes of {}", usual, group_name(own)),
             .next = "look at the cable and the port there"},
            std::max(1.0, one_rail) * lost);
    }

    void look_at_links() {
        for (const auto& link : fabric_.links) {
            if (!counts(link) || link.rate.gbps_x10() == 0) continue;
            auto [usual_rate, usual_lanes] = usual_[index(kind_of(link))];
            if (link.rate.gbps_x10() >= usual_rate || !is_wanted(link)) continue;
            bool narrow = link.rate.lanes < usual_lanes;
            auto one = fmt::format("{} port {}", device_name(link.a), link.a_port),
                 other = fmt::format("{} port {}", device_name(link.b), link.b_port);
            if (Natural()(other, one)) one.swap(other);
            say({.id = narrow ? "link-narrow" : "link-slow",
                 .where = one + " - " + other,
                 .seen = fmt::format("runs at {}", text_of(link.rate)),
                 .expected = fmt::format("{:g} Gbit/s, as most links of its kind", usual_rate / 10.0)},
                (usual_rate - link.rate.gbps_x10()) / 10.0);
        }
    }

    std::string device_name(std::uint32_t device) const {
        const auto& at = fabric_.devices[device];
        return at.kind == DeviceKind::network_switch ? switch_name(device) : std::string(at.description);
    }

    const Fabric& fabric_;
    const Hosts& hosts_;
    const RailMap& map_;
    std::vector<bool> is_adapter_of_host_, is_wanted_adapter_;
    /// How many links of a kind have a rate, by the rate and its lanes.
    std::array<std::map<std::uint32_t, std::map<std::uint8_t, std::uint32_t>>, 4> rates_;
    std::array<std::pair<std::uint32_t, std::uint8_t>, 4> usual_;
    std::vector<const Rail*> rail_of_;   ///< by leaf
    std::vector<std::uint16_t> port_of_; ///< by leaf
    std::set<std::string> lacking_;      ///< groups of which it is said that a leaf is missing
    std::vector<CablingFinding> out_;
};

} // namespace

std::vector<CablingFinding> cabling_findings(const Fabric& fabric, const Hosts& hosts, const RailMap& map) {
    return Inspector(fabric, hosts, map).findings();
}

} // namespace railhead::topology
