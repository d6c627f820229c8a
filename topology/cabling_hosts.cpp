#include "topology/cabling_hosts.hpp"

#include "slurm/hostlist.hpp"
#include "topology/leaf_switches.hpp"
#include "topology/natural.hpp"
#include "topology/rail_kinds.hpp"
#include "topology/switch_names.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace railhead::topology {
namespace {

class HostCables {
  public:
    HostCables(const Fabric& fabric, const Hosts& hosts, const RailMap& map, double one_rail)
        : fabric_(fabric), hosts_(hosts), map_(map), one_rail_(one_rail) {}

    std::vector<CablingFinding> findings() {
        look_at_hosts();
        return std::move(out_);
    }

  private:
    void say(Finding finding, double cost_gbps, Level level = Level::warn) {
        finding.level = level;
        out_.push_back({std::move(finding), cost_gbps});
    }
    std::string switch_name(std::uint32_t device) const { return labels_(device); }
    std::string host_name(std::uint32_t host) const { return std::string(hosts_.hosts[host].name); }
    std::string group_name(std::uint32_t group) const {
        return group == none ? "no group" : map_.groups[group].name;
    }

    std::uint32_t cables_of(const Host& host) const {
        auto begin = hosts_.ports.begin() + host.first;
        return static_cast<std::uint32_t>(std::count_if(begin, begin + host.count, [&](const HostPort& port) {
            return map_.grouping.is_rail(port.leaf);
        }));
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
                    std::max(1.0, one_rail_) * all.adapters);
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
                look_for_rails(host, own, reached, has_fewer ? kind->second : usual[own]);
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
                one_rail_);
            return false;
        }
        if (hosts_.hosts[port.host].is_other) return true; // it has no rails
        if (group != none && group != own && rail_kinds_->are_mostly_on(port.host, group, port.device))
            return true;
        if (group != none && group != own)
            say({.id = "foreign-cable",
                 .where = host_name(port.host),
                 .thing = std::string(port.device),
                 .seen = fmt::format("is cabled to {} of {}", switch_name(port.leaf), group_name(group)),
                 .expected = fmt::format("a leaf of {}, where its other cables are", group_name(own))},
                one_rail_);
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
            one_rail_);
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
            one_rail_);
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
                        std::uint32_t usual) {
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
            std::max(1.0, one_rail_) * lost);
    }

    bool has_idle_adapter(const Host& host) const {
        std::set<std::uint32_t> cabled;
        for (auto i = host.first; i < host.first + host.count; ++i) cabled.insert(hosts_.ports[i].adapter);
        return cabled.size() < host.adapters;
    }

    const Fabric& fabric_;
    const SwitchLabels labels_{fabric_};
    const Hosts& hosts_;
    const RailMap& map_;
    double one_rail_;
    std::optional<RailKinds> rail_kinds_;
    std::vector<const Rail*> rail_of_;   ///< by leaf
    std::vector<std::uint16_t> port_of_; ///< by leaf
    std::vector<CablingFinding> out_;
};

} // namespace

std::vector<CablingFinding> host_findings(const Fabric& fabric, const Hosts& hosts, const RailMap& map,
                                          double one_rail) {
    return HostCables(fabric, hosts, map, one_rail).findings();
}

} // namespace railhead::topology
