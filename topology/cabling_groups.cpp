#include "topology/cabling_groups.hpp"

#include "topology/natural.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace railhead::topology {
namespace {

constexpr std::size_t rare = 16; ///< one node of so many is odd at most, where names follow units

/// "node" of "node12"
std::string_view stem(std::string_view name) {
    return name.substr(0, name.find_last_not_of("0123456789") + 1);
}

class Groups {
  public:
    Groups(const Hosts& hosts, const RailMap& map, double one_rail)
        : hosts_(hosts), map_(map), one_rail_(std::max(1.0, one_rail)) {}

    std::vector<CablingFinding> findings() {
        look_at_rails();
        look_at_bare_rails();
        look_at_idle_adapters();
        look_at_units();
        return std::move(out_);
    }

  private:
    void say(Finding finding, double cost_gbps) { out_.push_back({std::move(finding), cost_gbps}); }

    bool is_wanted(const LeafGroup& group) const {
        return std::any_of(group.hosts.begin(), group.hosts.end(),
                           [&](std::uint32_t host) { return hosts_.hosts[host].wanted; });
    }

    /// A rail that half of the groups have or more, and one lacks is one finding about the group, not one for
    /// each of its nodes. A group that lacks most of them holds nodes of another kind.
    void look_at_rails() {
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
                     .level = Level::warn,
                     .where = group.name,
                     .seen = fmt::format("has no leaf switch on rail {}", device),
                     .expected =
                         fmt::format("one, as {} other group{}", count, count == 1 ? " has" : "s have"),
                     .next = "look for the switch, or for its cables"},
                    one_rail_ * static_cast<double>(group.hosts.size()));
            }
        }
    }

    /// Most nodes of a group have an adapter without a cable: a leaf is gone.
    void look_at_idle_adapters() {
        for (const auto& group : map_.groups) {
            if (group.hosts.size() < 2 || lacking_.contains(group.name) || !is_wanted(group)) continue;
            std::vector<std::uint32_t> idle; // of each host
            for (auto host : group.hosts)
                idle.push_back(hosts_.hosts[host].adapters -
                               std::min(hosts_.hosts[host].adapters, hosts_.hosts[host].count));
            std::sort(idle.begin(), idle.end());
            const auto most = (idle.size() - 1) / 2; // from here on it is more than half
            if (idle[most] == 0) continue;
            const auto hosts =
                static_cast<std::size_t>(idle.end() - std::lower_bound(idle.begin(), idle.end(), idle[most]));
            say({.id = "leaf-missing",
                 .level = Level::warn,
                 .where = group.name,
                 .seen = fmt::format("has {} adapter{} without a cable on {} of its {} nodes", idle[most],
                                     idle[most] == 1 ? "" : "s", hosts, group.hosts.size()),
                 .expected = "a leaf switch for each rail",
                 .next = "look for the switch, or for its cables"},
                one_rail_ * static_cast<double>(hosts) * idle[most]);
        }
    }

    /// A rail that less than half of a group's nodes are on is told once; else each node that is not is
    /// named.
    void look_at_bare_rails() {
        for (const auto& group : map_.groups) {
            if (!is_wanted(group)) continue;
            std::map<std::string_view, std::size_t> hosts_on;
            for (auto host : group.hosts) {
                std::set<std::string_view> its;
                for (auto i = hosts_.hosts[host].first;
                     i < hosts_.hosts[host].first + hosts_.hosts[host].count; ++i)
                    its.insert(hosts_.ports[i].device);
                for (auto device : its) ++hosts_on[device];
            }
            for (const auto& rail : group.rails) {
                const auto there = hosts_on[rail.device], all = group.hosts.size();
                if (rail.device.empty() || there * 2 >= all) continue;
                lacking_.insert(group.name);
                say({.id = "rail-missing",
                     .level = Level::warn,
                     .where = group.name,
                     .seen = fmt::format("has {} of {} nodes without a cable on rail {}", all - there, all,
                                         rail.device),
                     .next = "look at the cables there, and at the leaf switch"},
                    one_rail_ * static_cast<double>(all - there));
            }
        }
    }

    /// A node apart from its unit, by its name, may be cabled to the wrong one. Where that is common, names
    /// do not follow units.
    void look_at_units() {
        std::vector<std::uint32_t> order;
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host)
            if (map_.grouping.of_host[host] != none) order.push_back(host);
        std::sort(order.begin(), order.end(),
                  [&](auto a, auto b) { return Natural()(hosts_.hosts[a].name, hosts_.hosts[b].name); });
        std::vector<std::pair<std::uint32_t, std::set<std::uint32_t>>> odd; // host, groups next to it
        for (std::size_t i = 0; i < order.size(); ++i) {
            auto groups = groups_next_to(order, i);
            auto own = map_.grouping.of_host[order[i]];
            bool is_large = std::all_of(groups.begin(), groups.end(),
                                        [&](auto group) { return map_.groups[group].hosts.size() > 2; });
            if (!groups.empty() && is_large && !groups.contains(own) && map_.groups[own].hosts.size() > 2)
                odd.emplace_back(order[i], std::move(groups));
        }
        if (odd.size() * rare > order.size()) return;
        for (const auto& [host, groups] : odd) {
            if (!hosts_.hosts[host].wanted) continue;
            std::string others;
            for (auto group : groups) others += (others.empty() ? "" : " and ") + map_.groups[group].name;
            say({.id = "unit-odd",
                 .level = Level::warn,
                 .where = std::string(hosts_.hosts[host].name),
                 .seen = fmt::format("is in {}, and the nodes next to it by name in {}",
                                     map_.groups[map_.grouping.of_host[host]].name, others),
                 .next = "look whether it is cabled to the wrong unit"},
                one_rail_);
        }
    }

    /// Of the hosts before and behind, as far as they are named alike.
    std::set<std::uint32_t> groups_next_to(const std::vector<std::uint32_t>& order, std::size_t place) const {
        std::set<std::uint32_t> groups;
        for (auto next : {place - 1, place + 1}) // -1 is beyond the end, too
            if (next < order.size() &&
                stem(hosts_.hosts[order[next]].name) == stem(hosts_.hosts[order[place]].name))
                groups.insert(map_.grouping.of_host[order[next]]);
        return groups;
    }

    const Hosts& hosts_;
    const RailMap& map_;
    double one_rail_;
    std::set<std::string> lacking_; ///< groups of which it is said what is missing
    std::vector<CablingFinding> out_;
};

} // namespace

std::vector<CablingFinding> group_findings(const Hosts& hosts, const RailMap& map, double one_rail) {
    return Groups(hosts, map, one_rail).findings();
}

} // namespace railhead::topology
