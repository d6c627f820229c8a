#include "topology/rail_map.hpp"

#include "topology/natural.hpp"
#include "topology/planes.hpp"
#include "topology/switch_names.hpp"
#include "topology/tiers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

namespace railhead::topology {
namespace {

/// The device that most hosts of the group have at this leaf: of those hosts that have the most cables there,
/// for others may count their devices otherwise.
class RailDevices {
  public:
    RailDevices(const Hosts& hosts, const Grouping& grouping) : is_full_(hosts.hosts.size()) {
        find_full(hosts, grouping);
        for (const auto& port : hosts.ports)
            if (is_own(port, grouping))
                ++(is_full_[port.host] ? of_full_ : of_others_)[port.leaf][port.device];
    }
    std::string_view at(std::uint32_t leaf) const {
        auto found = of_full_.find(leaf);
        if (found == of_full_.end() && (found = of_others_.find(leaf)) == of_others_.end()) return {};
        auto fewer = [](const auto& one, const auto& other) { // of as many the first by name
            return one.second != other.second ? one.second < other.second : Natural()(other.first, one.first);
        };
        return std::max_element(found->second.begin(), found->second.end(), fewer)->first;
    }

  private:
    static bool is_own(const HostPort& port, const Grouping& grouping) {
        return grouping.of_switch[port.leaf] != none &&
               grouping.of_switch[port.leaf] == grouping.of_host[port.host];
    }
    /// With as many cables as two others of the group or more, or as all.
    void find_full(const Hosts& hosts, const Grouping& grouping) {
        std::vector<std::uint32_t> cables(hosts.hosts.size());
        for (const auto& port : hosts.ports)
            if (is_own(port, grouping)) ++cables[port.host];
        std::vector<std::vector<std::uint32_t>> of_group(grouping.groups);
        for (std::size_t host = 0; host < cables.size(); ++host)
            if (grouping.of_host[host] != none) of_group[grouping.of_host[host]].push_back(cables[host]);
        for (auto& its : of_group) std::sort(its.begin(), its.end(), std::greater<>());
        for (std::size_t host = 0; host < cables.size(); ++host)
            if (auto group = grouping.of_host[host]; group != none)
                is_full_[host] =
                    cables[host] >= of_group[group][std::min<std::size_t>(2, of_group[group].size() - 1)];
    }

    std::vector<bool> is_full_; ///< by host
    using Counts = std::unordered_map<std::uint32_t, std::map<std::string_view, std::uint32_t>>;
    Counts of_full_, of_others_; ///< by leaf and device
};

class Mapper {
  public:
    Mapper(const Fabric& fabric, const Hosts& hosts) : fabric_(fabric), hosts_(hosts) {
        map_.grouping = group_by_rails(fabric, hosts);
    }

    RailMap map() {
        map_.groups.resize(map_.grouping.groups);
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host) {
            auto group = map_.grouping.of_host[host];
            (group == none ? map_.loose_hosts : map_.groups[group].hosts).push_back(host);
        }
        add_shared_leaves();
        add_rails();
        map_.tiers = tiers_of(fabric_, map_.grouping);
        order();
        name_groups();
        name_tiers();
        return std::move(map_);
    }

  private:
    std::string name_of(std::uint32_t device) const {
        return switch_name_from(fabric_.devices[device].description);
    }

    using Speeds = std::map<std::uint32_t, std::uint32_t>; ///< tenths of Gbit/s -> cables
    static std::uint32_t usual(const Speeds& speeds) {
        auto fewer = [](const auto& one, const auto& other) { return one.second < other.second; };
        return speeds.empty() ? 0 : std::max_element(speeds.begin(), speeds.end(), fewer)->first;
    }

    void add_shared_leaves() {
        Speeds of_rails;
        std::map<std::uint32_t, Speeds> of_shared; // by leaf
        for (const auto& port : hosts_.ports) {
            auto speed = fabric_.links[port.link].rate.gbps_x10();
            bool is_shared = map_.grouping.is_leaf[port.leaf] && map_.grouping.of_switch[port.leaf] == none;
            auto& speeds = is_shared ? of_shared[port.leaf] : of_rails;
            if (speed > 0) ++speeds[speed];
        }
        for (const auto& [leaf, speeds] : of_shared) {
            bool is_slow = !speeds.empty() && usual(speeds) * rail_to_management <= usual(of_rails);
            (is_slow ? map_.management_leaves : map_.storage_leaves).push_back(leaf);
        }
        for (auto* leaves : {&map_.storage_leaves, &map_.management_leaves})
            std::sort(leaves->begin(), leaves->end(), ByDescription{fabric_});
    }

    void add_rails() {
        RailDevices devices(hosts_, map_.grouping);
        for (std::uint32_t leaf = 0; leaf < fabric_.devices.size(); ++leaf) {
            auto group = map_.grouping.of_switch[leaf];
            if (group == none) continue;
            auto& rails = map_.groups[group].rails;
            auto device = devices.at(leaf);
            auto at =
                std::find_if(rails.begin(), rails.end(), [&](auto& rail) { return rail.device == device; });
            if (at == rails.end() || device.empty())
                rails.push_back({std::string(device), {leaf}});
            else
                at->switches.push_back(leaf);
        }
        ByDescription by_name{fabric_};
        for (auto& group : map_.groups) {
            for (auto& rail : group.rails) std::sort(rail.switches.begin(), rail.switches.end(), by_name);
            std::sort(group.rails.begin(), group.rails.end(), [&](const Rail& left, const Rail& right) {
                if (left.device != right.device) return Natural()(left.device, right.device);
                return by_name(left.switches.front(), right.switches.front());
            });
        }
    }

    /// Groups come numbered by their first host. What joins them keeps them together.
    void order() {
        std::vector<std::uint32_t> now(map_.groups.size());
        for (std::uint32_t i = 0; i < now.size(); ++i) now[i] = i;
        std::vector<std::vector<std::uint32_t>> place_of_group; // by tier, from the highest
        for (auto tier = map_.tiers.rbegin(); tier != map_.tiers.rend(); ++tier)
            place_of_group.push_back(tier->of_group);
        std::stable_sort(now.begin(), now.end(), [&](std::uint32_t left, std::uint32_t right) {
            for (const auto& place : place_of_group)
                if (place[left] != place[right]) return place[left] < place[right];
            return false;
        });
        std::vector<std::uint32_t> place(now.size());
        std::vector<LeafGroup> groups;
        for (std::uint32_t i = 0; i < now.size(); ++i) {
            place[now[i]] = i;
            groups.push_back(std::move(map_.groups[now[i]]));
        }
        map_.groups = std::move(groups);
        for (auto& tier : map_.tiers) {
            std::vector<std::uint32_t> moved(now.size());
            for (std::uint32_t i = 0; i < now.size(); ++i) moved[i] = tier.of_group[now[i]];
            tier.of_group = std::move(moved);
        }
        for (auto* numbers : {&map_.grouping.of_host, &map_.grouping.of_switch})
            for (auto& number : *numbers)
                if (number != none) number = place[number];
    }

    /// Its own leaves in the first source that has any, or, where it has none, those that its hosts share
    /// with other groups.
    std::vector<std::uint32_t> leaves_of(const LeafGroup& group) const {
        std::vector<std::uint32_t> leaves;
        for (const auto& rail : group.rails)
            leaves.insert(leaves.end(), rail.switches.begin(), rail.switches.end());
        auto is_earlier = [&](std::uint32_t one, std::uint32_t other) {
            return fabric_.source_of(one) < fabric_.source_of(other);
        };
        if (!leaves.empty()) {
            const auto first = fabric_.source_of(*std::min_element(leaves.begin(), leaves.end(), is_earlier));
            std::erase_if(leaves, [&](auto leaf) { return fabric_.source_of(leaf) != first; });
            return leaves;
        }
        std::set<std::uint32_t, ByDescription> shared(ByDescription{fabric_});
        for (auto host : group.hosts)
            for (auto i = hosts_.hosts[host].first; i < hosts_.hosts[host].first + hosts_.hosts[host].count;
                 ++i)
                if (map_.grouping.is_leaf[hosts_.ports[i].leaf]) shared.insert(hosts_.ports[i].leaf);
        return {shared.begin(), shared.end()};
    }

    /// What the names of its leaves have in common; of one leaf, what other groups' names leave of theirs;
    /// where that is nothing, or another group's as well, the first leaf's name.
    void name_groups() {
        std::unordered_map<std::string, int> used;
        std::map<NameCut, int> cuts;
        std::vector<LeafGroup*> with_one_leaf;
        for (auto& group : map_.groups) {
            std::vector<std::string> texts;
            for (auto leaf : leaves_of(group))
                if (auto name = name_of(leaf); !name.empty()) texts.push_back(std::move(name));
            group.name = common_name({texts.begin(), texts.end()});
            ++used[group.name];
            if (texts.size() == 1) with_one_leaf.push_back(&group);
            for (const auto& text : texts)
                if (auto cut = cut_between(text, group.name)) ++cuts[*cut];
        }
        auto fewer = [](const auto& one, const auto& other) { return one.second < other.second; };
        for (auto* group : with_one_leaf) {
            if (cuts.empty()) break;
            std::string name(cut_off(group->name, std::max_element(cuts.begin(), cuts.end(), fewer)->first));
            if (!name.empty() && ++used[name] == 1) group->name = std::move(name);
        }
        std::vector<std::uint32_t> firsts; // leaves
        for (auto& group : map_.groups) {
            firsts.push_back(leaves_of(group).front()); // a host is in a group by a leaf
            if (!group.name.empty() && used[group.name] == 1) continue;
            const auto& first = fabric_.devices[firsts.back()];
            group.name = switch_name_from(first.description, first.guid);
        }
        std::vector<std::uint32_t> order(map_.groups.size()); // no node that moves changes it
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.end(), [&](std::uint32_t one, std::uint32_t other) {
            return ByDescription{fabric_}(firsts[one], firsts[other]);
        });
        for (auto group : order) map_.groups[group].name = unique(map_.groups[group].name);
    }

    /// What the names of its groups have in common, or its number; where the source is a tree, the name of
    /// the one switch that joins its parts. Elsewhere that may be the one of two that is not dead.
    void name_tiers() {
        for (std::size_t level = 0; level < map_.tiers.size(); ++level) {
            auto& tier = map_.tiers[level];
            bool is_top = level + 1 == map_.tiers.size();
            const Lists groups_of(tier.units, [&](auto add) {
                for (std::uint32_t group = 0; group < map_.groups.size(); ++group)
                    add(tier.of_group[group], group);
            });
            for (std::uint32_t unit = 0; unit < tier.units; ++unit) {
                std::vector<std::string_view> names;
                for (auto group : groups_of[unit]) names.push_back(map_.groups[group].name);
                auto common = names.size() > 1 && !is_top ? common_name(names) : std::string();
                if (fabric_.is_tree && unit < tier.joined_by.size() && tier.joined_by[unit] != none)
                    if (auto own = name_of(tier.joined_by[unit]); !own.empty()) common = std::move(own);
                const char* kind = is_top ? "fabric" : level == 0 ? "pod" : "superpod";
                tier.names.push_back(unique(!common.empty() ? common : fmt::format("{}{}", kind, unit + 1)));
            }
        }
    }

    std::string unique(std::string name) {
        const auto wanted = name;
        while (!names_.try_emplace(name, 1).second) name = numbered_name(wanted, ++names_.at(wanted));
        return name;
    }

    const Fabric& fabric_;
    const Hosts& hosts_;
    std::unordered_map<std::string, int> names_; ///< that are given, and the last number behind each
    RailMap map_;
};

} // namespace

bool has_wanted(const LeafGroup& group, const Hosts& hosts) {
    return std::any_of(group.hosts.begin(), group.hosts.end(),
                       [&](std::uint32_t host) { return hosts.hosts[host].wanted; });
}

RailMap rail_map_of(const Fabric& fabric, const Hosts& hosts) {
    return Mapper(fabric, hosts).map();
}

} // namespace railhead::topology
