#include "topology/cabling.hpp"

#include "slurm/hostlist.hpp"
#include "topology/cabling_groups.hpp"
#include "topology/characters.hpp"
#include "topology/leaf_switches.hpp"
#include "topology/natural.hpp"
#include "topology/rail_kinds.hpp"
#include "topology/switch_names.hpp"
#include "topology/uplinks.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <vector>

namespace railhead::topology {
namespace {

/// Links are compared with their like: from a host to a leaf of its group, to one of storage or of
/// management, from a leaf of groups up, from one of those others up, from a spine up.
enum class LinkKind { host, storage, management, uplink, aside, core };
constexpr std::size_t link_kinds = 6;

class Inspector {
  public:
    Inspector(const Fabric& fabric, const Hosts& hosts, const RailMap& map)
        : fabric_(fabric), hosts_(hosts), map_(map), is_adapter_of_host_(fabric.devices.size()),
          is_wanted_adapter_(fabric.devices.size()), is_management_(fabric.devices.size()) {
        for (auto leaf : map.management_leaves) is_management_[leaf] = true;
        for (const auto& port : hosts.ports) {
            is_adapter_of_host_[port.adapter] = !hosts.hosts[port.host].is_other || !is_rails(port);
            is_wanted_adapter_[port.adapter] = hosts.hosts[port.host].wanted;
        }
        for (const auto& link : fabric.links)
            if (counts(link)) ++rates_[index(kind_of(link))][link.rate.gbps_x10()][link.rate.lanes];
        for (std::size_t kind = 0; kind < link_kinds; ++kind) usual_[kind] = most_have(rates_[kind]);
    }

    std::vector<CablingFinding> findings() {
        out_ = group_findings(hosts_, map_, one_rail());
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
    /// How many links of a kind have a rate, by the rate and its lanes.
    using Rates = std::map<std::uint32_t, std::map<std::uint8_t, std::uint32_t>>;

    static std::size_t index(LinkKind kind) { return static_cast<std::size_t>(kind); }
    void say(Finding finding, double cost_gbps, Level level = Level::warn) {
        finding.level = level;
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
            return fabric_.is_switch(device) || is_adapter_of_host_[device];
        };
        return known(link.a) && known(link.b);
    }
    LinkKind kind_of(const Link& link) const {
        const bool is_a = is_adapter_of_host_[link.a], is_b = is_adapter_of_host_[link.b];
        if (is_a || is_b) {
            const auto leaf = is_a ? link.b : link.a;
            if (map_.grouping.of_switch[leaf] != none) return LinkKind::host;
            return is_management_[leaf] ? LinkKind::management : LinkKind::storage;
        }
        if (!map_.grouping.is_leaf[link.a] && !map_.grouping.is_leaf[link.b]) return LinkKind::core;
        const auto leaf = map_.grouping.is_leaf[link.a] ? link.a : link.b;
        return map_.grouping.of_switch[leaf] == none ? LinkKind::aside : LinkKind::uplink;
    }
    /// What most links of a kind have, in tenths of Gbit/s; the most lanes at that rate.
    static std::pair<std::uint32_t, std::uint8_t> most_have(const Rates& rates) {
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

    bool is_rails(const HostPort& port) const {
        return map_.grouping.is_leaf[port.leaf] && map_.grouping.of_switch[port.leaf] != none;
    }
    std::uint32_t cables_of(const Host& host) const {
        auto begin = hosts_.ports.begin() + host.first;
        return static_cast<std::uint32_t>(
            std::count_if(begin, begin + host.count, [&](const HostPort& port) { return is_rails(port); }));
    }
    /// By group: to how many leaves those of its hosts have cables that have the most of its cables together:
    /// few nodes on every leaf count for more than many guests of one.
    std::vector<std::uint32_t> usual_cables() const {
        std::vector<std::uint32_t> usual;
        for (const auto& group : map_.groups) {
            std::map<std::uint32_t, std::uint32_t> cables_of_hosts_with;
            for (auto host : group.hosts) {
                const auto cables = cables_of(hosts_.hosts[host]);
                cables_of_hosts_with[cables] += cables;
            }
            auto fewer = [](const auto& one, const auto& other) { return one.second <= other.second; };
            auto most = std::max_element(cables_of_hosts_with.begin(), cables_of_hosts_with.end(), fewer);
            usual.push_back(most == cables_of_hosts_with.end() ? 0 : most->first);
        }
        return usual;
    }

    void look_at_hosts() {
        const auto usual = usual_cables();
        const auto kinds = kinds_of_hosts();
        std::vector<bool> is_full;
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host) {
            const auto own = map_.grouping.of_host[host];
            is_full.push_back(own != none && cables_of(hosts_.hosts[host]) >= usual[own]);
        }
        rail_kinds_.emplace(hosts_, map_, std::move(is_full));
        std::map<std::pair<std::uint32_t, std::string_view>, std::vector<std::uint32_t>> of_kind; // by group
        number_rails();
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host) {
            const auto& all = hosts_.hosts[host];
            if (!all.wanted || all.is_double) continue; // of a double name nobody knows which cable is whose
            if (all.count == 0) {
                if (all.adapters == 0) continue; // not of this plane
                say({.id = "host-unplugged", .where = host_name(host), .seen = "has no cable to a switch"},
                    std::max(1.0, one_rail()) * all.adapters);
                continue;
            }
            std::vector<std::string_view> reached;
            for (auto i = all.first; i < all.first + all.count; ++i)
                if (is_on_leaf(hosts_.ports[i])) reached.push_back(rail_of(hosts_.ports[i]));
            auto own = map_.grouping.of_host[host];
            if (own == none || all.is_other || cables_of(all) >= usual[own]) continue;
            const auto kind = kinds.find(name_stem(all.name));
            const bool has_fewer = kind != kinds.end() && kind->second < usual[own];
            const bool has_half = all.adapters * 2 <= usual[own] && rail_kinds_->is_of_a_kind(host);
            if ((has_fewer || has_half) && all.adapters <= cables_of(all))
                of_kind[{own, name_stem(all.name)}].push_back(host);
            else
                look_for_rails(host, own, reached, has_fewer ? kind->second : usual[own], one_rail());
        }
        for (const auto& [kind, hosts] : of_kind) tell_kind(kind.first, hosts, usual[kind.first]);
    }

    /// By the stem of their names, how many adapters hosts have at most that are named alike.
    std::map<std::string_view, std::uint32_t> kinds_of_hosts() const {
        std::map<std::string_view, std::uint32_t> most, hosts;
        for (const auto& host : hosts_.hosts) {
            const auto stem = name_stem(host.name);
            ++hosts[stem];
            most[stem] = std::max({most[stem], host.adapters, host.count});
        }
        std::erase_if(most, [&](const auto& kind) { return hosts.at(kind.first) < 2; });
        return most;
    }

    /// Nodes of a kind that has fewer adapters are as they are built, as far as is seen.
    void tell_kind(std::uint32_t group, const std::vector<std::uint32_t>& hosts, std::uint32_t usual) {
        std::vector<std::string> names;
        std::uint32_t most = 0;
        for (auto host : hosts) {
            names.push_back(host_name(host));
            most = std::max(most, hosts_.hosts[host].adapters);
        }
        const bool is_one = hosts.size() == 1;
        say({.id = "rail-missing",
             .where = group_name(group),
             .thing = compress_hostlist(names),
             .seen = fmt::format("{} {}{} adapter{} in sight", is_one ? "has" : "have",
                                 is_one ? "" : "at most ", most, most == 1 ? "" : "s"),
             .expected = fmt::format("{}, as most nodes there", usual),
             .next = "look at the cables, unless nodes of that name have no more"},
            0, Level::info);
    }

    double one_rail() const { return usual_[index(LinkKind::host)].first / 10.0; }
    std::uint16_t number_of(const HostPort& port) const { return port_number(fabric_, port); }

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
        if (hosts_.hosts[port.host].is_other) return true; // it has no rails
        if (group != none && group != own && rail_kinds_->are_mostly_on(port.host, group)) return true;
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

    /// On which it should be, or which has its name.
    std::string_view rail_of(const HostPort& port) const {
        const auto rail = rail_kinds_->rail_for(port.host, port.device);
        return rail.empty() ? port.device : rail;
    }

    void look_at_rail(const HostPort& port) {
        const auto* expected =
            rail_named(map_.grouping.of_host[port.host], rail_kinds_->rail_for(port.host, port.device));
        const auto& rail = rail_of_[port.leaf]->device;
        const auto device = rail_kinds_->device_on(port.host, rail);
        if (expected && look_for_stray(port, *expected)) return;
        bool is_its = expected && rail == expected->device,
             is_other_port = number_of(port) != port_of_[port.leaf];
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

    /// A leaf of its rail on which hardly any other host of the group is.
    bool look_for_stray(const HostPort& port, const Rail& rail) {
        const auto& on = map_.grouping.hosts_on;
        const auto fewer = [&](std::uint32_t one, std::uint32_t other) { return on[one] < on[other]; };
        const auto usual = *std::max_element(rail.switches.begin(), rail.switches.end(), fewer);
        if (rail_of_[port.leaf] != &rail || !are_few(on[port.leaf], on[usual])) return false;
        say({.id = "foreign-cable",
             .where = host_name(port.host),
             .thing = std::string(port.device),
             .seen = fmt::format("is cabled to {}, and most of {} to another leaf", switch_name(port.leaf),
                                 group_name(map_.grouping.of_host[port.host])),
             .expected = switch_name(usual)},
            one_rail());
        return true;
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
        const bool is_unseen = !has_idle_adapter(hosts_.hosts[host]);
        auto seen =
            lacks.size() == lost
                ? fmt::format("has no {} on {} of {} rails ({})", is_unseen ? "adapter in sight" : "cable",
                              lost, rails.size(), fmt::join(lacks, ", "))
                : fmt::format("has {} cable{} to leaves", cables, cables == 1 ? "" : "s");
        say({.id = "rail-missing",
             .where = host_name(host),
             .seen = std::move(seen),
             .expected =
                 lacks.size() == lost ? "" : fmt::format("{}, as most nodes of {}", usual, group_name(own)),
             .next = is_unseen ? "look at the cable, the port and the adapter's name, unless it has no more"
                               : "look at the cable and the port there"},
            std::max(1.0, one_rail) * lost);
    }

    bool has_idle_adapter(const Host& host) const {
        std::set<std::uint32_t> cabled;
        for (auto i = host.first; i < host.first + host.count; ++i) cabled.insert(hosts_.ports[i].adapter);
        return cabled.size() < host.adapters;
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
        return fabric_.is_switch(device) ? switch_name(device)
                                         : printable(fabric_.devices[device].description);
    }

    const Fabric& fabric_;
    const Hosts& hosts_;
    const RailMap& map_;
    std::vector<bool> is_adapter_of_host_, is_wanted_adapter_, is_management_;
    std::array<Rates, link_kinds> rates_;
    std::array<std::pair<std::uint32_t, std::uint8_t>, link_kinds> usual_;
    std::optional<RailKinds> rail_kinds_;
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
