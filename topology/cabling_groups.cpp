#include "topology/cabling_groups.hpp"

#include "topology/natural.hpp"
#include "topology/unit_order.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace railhead::topology {
namespace {

class Groups {
  public:
    Groups(const Hosts& hosts, const RailMap& map, double one_rail)
        : hosts_(hosts), map_(map), one_rail_(std::max(1.0, one_rail)) {}

    std::vector<CablingFinding> findings() {
        look_at_rails();
        look_at_bare_rails();
        look_at_idle_adapters();
        look_at_pairs();
        for (auto& found : unit_findings(hosts_, map_, one_rail_)) out_.push_back(std::move(found));
        return std::move(out_);
    }

  private:
    void say(Finding finding, double cost_gbps) { out_.push_back({std::move(finding), cost_gbps}); }

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
                if (group.rails.size() * 2 <= usual_rails || !has_wanted(group, hosts_)) continue;
                auto has = [&device = device](const Rail& rail) { return rail.device == device; };
                if (std::any_of(group.rails.begin(), group.rails.end(), has)) continue;
                if (are_elsewhere(group, device)) continue; // each of these cables is told
                if (is_of_a_kind(group)) continue;
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

    /// Another group has just the same rails, and neither an adapter without a cable: units of a generation.
    bool is_of_a_kind(const LeafGroup& group) const {
        auto has_idle = [&](const LeafGroup& one) {
            return std::any_of(one.hosts.begin(), one.hosts.end(), [&](std::uint32_t host) {
                return hosts_.hosts[host].adapters > hosts_.hosts[host].count;
            });
        };
        return std::any_of(map_.groups.begin(), map_.groups.end(), [&](const LeafGroup& other) {
            return &other != &group && other.rails.size() == group.rails.size() &&
                   std::equal(group.rails.begin(), group.rails.end(), other.rails.begin(),
                              [](const Rail& one, const Rail& two) { return one.device == two.device; }) &&
                   !has_idle(group) && !has_idle(other);
        });
    }

    /// Most of the group's cables of this rail lead to other leaves.
    bool are_elsewhere(const LeafGroup& group, std::string_view device) const {
        std::size_t there = 0;
        for (auto host : group.hosts) {
            const auto* first = hosts_.ports.data() + hosts_.hosts[host].first;
            there += std::any_of(first, first + hosts_.hosts[host].count,
                                 [&](const HostPort& port) { return port.device == device; })
                         ? 1
                         : 0;
        }
        return there * 2 > group.hosts.size();
    }

    /// Most nodes of a group have an adapter without a cable: a leaf is gone.
    void look_at_idle_adapters() {
        for (const auto& group : map_.groups) {
            if (group.hosts.size() < 2 || lacking_.contains(group.name) || !has_wanted(group, hosts_))
                continue;
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

    /// Of two nodes alone nobody can tell on which of them two rails are swapped.
    void look_at_pairs() {
        for (const auto& group : map_.groups) {
            if (group.hosts.size() != 2 || !has_wanted(group, hosts_)) continue;
            const auto &one = hosts_.hosts[group.hosts[0]], &other = hosts_.hosts[group.hosts[1]];
            if (name_stem(one.name) != name_stem(other.name) || one.adapters != other.adapters ||
                one.is_double || other.is_double)
                continue;
            const auto leaves = leaves_by_device(group.hosts[0]), others = leaves_by_device(group.hosts[1]);
            std::vector<std::string_view> differ;
            for (const auto& [device, its] : leaves)
                if (auto found = others.find(device); found != others.end() && found->second != its)
                    differ.push_back(device);
            if (differ.empty()) continue;
            say({.id = "rail-swapped",
                 .level = Level::warn,
                 .where = fmt::format("{} or {}", one.name, other.name),
                 .thing = fmt::to_string(fmt::join(differ, ", ")),
                 .seen = fmt::format("{} on other leaves of {} than the other node's",
                                     differ.size() == 1 ? "is" : "are", group.name),
                 .expected = "one leaf for each rail",
                 .next = "look which of the two has cables swapped"},
                one_rail_ * static_cast<double>(differ.size()));
        }
    }
    /// Of those of its group.
    std::map<std::string_view, std::set<std::uint32_t>, Natural> leaves_by_device(std::uint32_t host) const {
        std::map<std::string_view, std::set<std::uint32_t>, Natural> found;
        const auto& its = hosts_.hosts[host];
        for (auto i = its.first; i < its.first + its.count; ++i) {
            const auto& port = hosts_.ports[i];
            if (!port.device.empty() && map_.grouping.of_switch[port.leaf] == map_.grouping.of_host[host])
                found[port.device].insert(port.leaf);
        }
        return found;
    }

    /// A rail that less than half of those nodes of a group are on that are of a kind which has it is told
    /// once; else each node that is not is named.
    void look_at_bare_rails() {
        for (const auto& group : map_.groups) {
            if (!has_wanted(group, hosts_)) continue;
            const auto kinds = kinds_in(group);
            std::map<std::string_view, std::size_t> hosts_of; // by kind
            std::map<std::string_view, std::map<std::string_view, std::size_t>>
                hosts_on; // by device and kind
            for (std::size_t i = 0; i < kinds.size(); ++i) {
                const auto& host = hosts_.hosts[group.hosts[i]];
                ++hosts_of[kinds[i]];
                std::set<std::string_view> its;
                for (auto port = host.first; port < host.first + host.count; ++port)
                    its.insert(hosts_.ports[port].device);
                for (auto device : its) ++hosts_on[device][kinds[i]];
            }
            for (const auto& rail : group.rails) {
                std::size_t there = 0, all = 0;
                for (const auto& [kind, hosts] : hosts_on[rail.device]) {
                    there += hosts;
                    all += hosts_of.at(kind);
                }
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

    /// Of each host of a group what it shares of its name with others there.
    std::vector<std::string_view> kinds_in(const LeafGroup& group) const {
        std::map<std::string_view, std::size_t> hosts;
        for (auto host : group.hosts) ++hosts[name_stem(hosts_.hosts[host].name)];
        std::vector<std::string_view> kinds;
        for (auto host : group.hosts) {
            const auto stem = name_stem(hosts_.hosts[host].name);
            kinds.push_back(hosts.at(stem) > 1 ? stem : std::string_view());
        }
        return kinds;
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
