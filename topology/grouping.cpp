#include "topology/grouping.hpp"

#include "topology/leaf_switches.hpp"
#include "topology/natural.hpp"
#include "topology/planes.hpp"
#include "topology/shared_leaves.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace railhead::topology {
namespace {

/// All but what faults may take: fewer than a quarter.
bool are_nearly_all(std::uint32_t some, std::uint32_t all) {
    return some * 4 > all * 3;
}

class Grouper {
  public:
    Grouper(const Fabric& fabric, const Hosts& hosts)
        : fabric_(fabric), hosts_(hosts),
          on_leaf_(fabric.devices.size(), [&](auto add) { each_host_on_leaf(add); }),
          aside_(leaves_aside(fabric, hosts)) {
        out_.of_host.assign(hosts.hosts.size(), none);
        out_.of_switch.assign(fabric.devices.size(), none);
        for (std::size_t i = 0; i < on_leaf_.size(); ++i)
            out_.hosts_on.push_back(static_cast<std::uint32_t>(on_leaf_[i].size()));
    }

    Grouping grouping() {
        out_.is_leaf = leaf_switches(fabric_, hosts_, out_.hosts_on);
        find_inner();
        auto each_on_leaf = [&](auto add) {
            each_host_on_leaf([&](std::uint32_t leaf, std::uint32_t host) {
                if (out_.is_leaf[leaf] && counts(leaf, host)) add(leaf, host);
            });
        };
        on_leaf_ = Lists(fabric_.devices.size(), each_on_leaf);
        Lists leaves_of(hosts_.hosts.size(), [&](auto add) {
            each_on_leaf([&](std::uint32_t leaf, std::uint32_t host) { add(host, leaf); });
        });
        auto units = join_leaves(on_leaf_, leaves_of);
        join_with_guests(units);
        hosts_choose(units, choices_in(units));
        leaves_choose(units);
        return std::move(out_);
    }

  private:
    /// Hosts that are on a leaf that is not aside.
    void find_inner() {
        inner_.assign(hosts_.hosts.size(), false);
        for (const auto& port : hosts_.ports)
            if (out_.is_leaf[port.leaf] && !aside_[port.leaf]) inner_[port.host] = true;
    }
    /// A leaf that is aside tells nothing of where such a host belongs.
    bool counts(std::uint32_t leaf, std::uint32_t host) const { return !aside_[leaf] || !inner_[host]; }

    /// Calls add(leaf, host) once, however many cables go from the one to the other.
    template <class Add>
    void each_host_on_leaf(Add add) const {
        std::vector<std::uint32_t> last(fabric_.devices.size(), none);
        for (const auto& port : hosts_.ports)
            if (std::exchange(last[port.leaf], port.host) != port.host) add(port.leaf, port.host);
    }

    template <class Do>
    void each_leaf_of(std::uint32_t host, Do what) const {
        const auto& all = hosts_.hosts[host];
        for (auto i = all.first; i < all.first + all.count; ++i)
            if (out_.is_leaf[hosts_.ports[i].leaf] && counts(hosts_.ports[i].leaf, host))
                what(hosts_.ports[i]);
    }

    struct Choice {
        std::uint32_t unit, cables, of_main; ///< of the cables, those that the main source tells
    };
    using Choices = std::vector<Choice>;
    using Pair = std::pair<std::uint32_t, std::uint32_t>; ///< of units, or a unit and a group

    /// Of each host the units that it has cables in, in the order of its devices.
    std::vector<Choices> choices_in(DisjointSets& units) const {
        std::vector<Choices> of_host(hosts_.hosts.size());
        const auto main = main_source(fabric_, hosts_);
        for (std::uint32_t host = 0; host < of_host.size(); ++host)
            each_leaf_of(host, [&](const HostPort& port) {
                const auto unit = units.root(port.leaf);
                auto& choices = of_host[host];
                auto at = std::find_if(choices.begin(), choices.end(),
                                       [&](auto& choice) { return choice.unit == unit; });
                if (at == choices.end()) at = choices.insert(at, {unit, 0, 0});
                ++at->cables;
                if (fabric_.source_of(port.leaf) == main) ++at->of_main;
            });
        return of_host;
    }

    std::vector<std::uint32_t> leaves_in(DisjointSets& units) const {
        std::vector<std::uint32_t> leaves(fabric_.devices.size());
        for (std::uint32_t leaf = 0; leaf < leaves.size(); ++leaf)
            if (out_.is_leaf[leaf]) ++leaves[units.root(leaf)];
        return leaves;
    }

    /// A unit joins another one when it has nearly all of the other's hosts on most of its leaves, and those
    /// are nearly all that it shares with others: what it has besides are its guests.
    void join_with_guests(DisjointSets& units) const {
        const auto leaves = leaves_in(units);
        std::vector<std::uint32_t> in(leaves.size()), shared(leaves.size()); // hosts, by unit
        std::map<Pair, std::uint32_t> in_both; // a unit and one that may have it
        for (const auto& choices : choices_in(units))
            for (const auto& own : choices) {
                ++in[own.unit];
                bool is_shared = false;
                for (const auto& other : choices) {
                    if (other.unit == own.unit || other.cables < own.cables) continue;
                    is_shared = true;
                    if (own.cables * 2 > leaves[own.unit]) ++in_both[{own.unit, other.unit}];
                }
                if (is_shared) ++shared[own.unit];
            }
        for (const auto& [pair, hosts] : in_both)
            if (are_nearly_all(hosts, in[pair.second]) && are_nearly_all(hosts, shared[pair.first]))
                units.join(pair.first, pair.second);
    }

    void hosts_choose(DisjointSets& units, std::vector<Choices> of_host) {
        const auto leaves = leaves_in(units);
        const auto kinds = kinds_in(of_host);
        std::vector<std::uint32_t> hosts_in(leaves.size()); // on the leaf with the most
        for (std::uint32_t leaf = 0; leaf < on_leaf_.size(); ++leaf)
            if (out_.is_leaf[leaf])
                hosts_in[units.root(leaf)] = std::max(hosts_in[units.root(leaf)], out_.hosts_on[leaf]);
        // Of units that many hosts are as close to, that of fewer kinds of hosts is theirs (the other has
        // servers), or that of more rails, or one of clearly fewer hosts.
        auto is_worse = [&](const Choice& one, const Choice& other) {
            if (one.cables != other.cables) return one.cables < other.cables;
            if (one.of_main != other.of_main) return one.of_main < other.of_main;
            if (kinds[one.unit] != kinds[other.unit]) return kinds[one.unit] > kinds[other.unit];
            if (leaves[one.unit] != leaves[other.unit]) return leaves[one.unit] < leaves[other.unit];
            return hosts_in[one.unit] * 3 > hosts_in[other.unit] * 4;
        };
        auto best_of = [&](const Choices& choices) {
            return *std::max_element(choices.begin(), choices.end(), is_worse);
        };
        drop_shared(of_host, best_of);
        std::vector<std::uint32_t> unit_of(of_host.size(), none);
        std::vector<std::vector<std::uint32_t>> tied(of_host.size());
        std::map<Pair, std::uint32_t> ties; // hosts
        for (std::size_t host = 0; host < of_host.size(); ++host) {
            if (of_host[host].empty()) continue;
            const auto best = best_of(of_host[host]);
            unit_of[host] = best.unit;
            for (const auto& choice : of_host[host])
                if (choice.unit != best.unit && choice.cables == best.cables &&
                    choice.of_main == best.of_main) {
                    tied[host].push_back(choice.unit);
                    ++ties[std::minmax(choice.unit, best.unit)];
                }
        }
        auto is_usual = [&](std::uint32_t one, std::uint32_t other) {
            const auto hosts = ties.at(std::minmax(one, other));
            return hosts > 1 && hosts * 4 > std::min(hosts_in[one], hosts_in[other]);
        };
        for (std::size_t host = 0; host < tied.size(); ++host)
            std::erase_if(tied[host], [&](auto unit) { return is_usual(unit, unit_of[host]); });
        follow_neighbours(tied, unit_of);
        number_groups(unit_of);
    }

    /// A unit most of whose hosts belong elsewhere is nobody's who has cables to another: a node with two
    /// cables to storage that has lost one of two rails stays where it is.
    template <class BestOf>
    void drop_shared(std::vector<Choices>& of_host, const BestOf& best_of) const {
        std::vector<std::uint32_t> on(fabric_.devices.size()), in(on.size()); // hosts, by unit
        for (const auto& choices : of_host) {
            for (const auto& choice : choices) ++on[choice.unit];
            if (!choices.empty()) ++in[best_of(choices).unit];
        }
        auto is_shared = [&](const Choice& choice) { return in[choice.unit] * 2 < on[choice.unit]; };
        for (auto& choices : of_host)
            if (!std::all_of(choices.begin(), choices.end(), is_shared)) std::erase_if(choices, is_shared);
    }

    /// By unit: how many kinds of hosts are in it, by their names.
    std::vector<std::size_t> kinds_in(const std::vector<Choices>& of_host) const {
        std::vector<std::set<std::string_view>> kinds(fabric_.devices.size());
        for (std::size_t host = 0; host < of_host.size(); ++host)
            for (const auto& choice : of_host[host])
                kinds[choice.unit].insert(name_stem(hosts_.hosts[host].name));
        std::vector<std::size_t> found;
        for (const auto& its : kinds) found.push_back(its.size());
        return found;
    }

    /// By the host in the middle of each, which one that moves elsewhere does not change.
    void number_groups(const std::vector<std::uint32_t>& unit_of) {
        std::vector<std::uint32_t> size(fabric_.devices.size()), met(size), number(size);
        for (auto unit : unit_of)
            if (unit != none) ++size[unit];
        for (auto unit : unit_of)
            if (unit != none && met[unit]++ == size[unit] / 2) {
                number[unit] = out_.groups++;
                unit_of_group_.push_back(unit);
            }
        for (std::size_t host = 0; host < unit_of.size(); ++host)
            if (unit_of[host] != none) out_.of_host[host] = number[unit_of[host]];
    }

    /// A host as close to one unit as to another is in that of the hosts before or behind it by name; between
    /// two, in the one before while that lacks a host to the largest; else its first device decides.
    void follow_neighbours(const std::vector<std::vector<std::uint32_t>>& tied,
                           std::vector<std::uint32_t>& unit_of) const {
        const auto decided = unit_of;
        std::vector<std::uint32_t> size(fabric_.devices.size());
        for (std::size_t host = 0; host < tied.size(); ++host)
            if (tied[host].empty() && decided[host] != none) ++size[decided[host]];
        const auto largest = size.empty() ? 0 : *std::max_element(size.begin(), size.end());
        for (std::size_t host = 0; host < tied.size(); ++host) {
            if (tied[host].empty()) continue;
            auto beside = [&](std::size_t neighbour) { // a unit of the host; -1 is beyond the end, too
                if (neighbour >= tied.size() || !tied[neighbour].empty()) return none;
                if (name_stem(hosts_.hosts[host].name) != name_stem(hosts_.hosts[neighbour].name))
                    return none;
                const auto its = decided[neighbour];
                const bool is_tied = std::find(tied[host].begin(), tied[host].end(), its) != tied[host].end();
                return its == unit_of[host] || is_tied ? its : none;
            };
            const auto before = beside(host - 1), behind = beside(host + 1);
            if (before == none && behind == none) continue;
            const bool is_before = behind == none || (before != none && size[before] < largest);
            unit_of[host] = is_before ? before : behind;
        }
    }

    /// Calls what(group, hosts) for each group on a leaf.
    template <class Do>
    void each_group_on(std::uint32_t leaf, Do what) {
        on_groups_.resize(out_.groups);
        for (auto host : on_leaf_[leaf]) ++on_groups_[out_.of_host[host]];
        for (auto host : on_leaf_[leaf])
            if (auto hosts = std::exchange(on_groups_[out_.of_host[host]], 0); hosts > 0)
                what(out_.of_host[host], hosts);
    }

    /// By leaf: most hosts of a group that is not its unit's are on it, but not on most of the unit's leaves.
    std::vector<bool> leaves_of_others(DisjointSets& units, const std::vector<std::uint32_t>& size) {
        std::vector<bool> found(on_leaf_.size());
        for (std::uint32_t leaf = 0; leaf < on_leaf_.size(); ++leaf)
            each_group_on(leaf, [&](std::uint32_t group, std::uint32_t hosts) {
                if (unit_of_group_[group] != units.root(leaf) && size[group] > 1 && hosts * 2 > size[group])
                    found[leaf] = true;
            });
        std::vector<std::uint32_t> of_unit(found.size());
        for (std::uint32_t leaf = 0; leaf < found.size(); ++leaf)
            if (found[leaf]) ++of_unit[units.root(leaf)];
        const auto leaves = leaves_in(units);
        for (std::uint32_t leaf = 0; leaf < found.size(); ++leaf)
            if (of_unit[units.root(leaf)] * 2 >= leaves[units.root(leaf)]) found[leaf] = false;
        return found;
    }

    /// How many hosts of a group are on leaves of a unit that is not theirs, besides those of others.
    std::map<Pair, std::uint32_t> guests_of(DisjointSets& units, const std::vector<bool>& of_others) const {
        std::map<Pair, std::uint32_t> guests;
        std::vector<std::uint32_t> its; // units
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host) {
            its.clear();
            each_leaf_of(host, [&](const HostPort& port) {
                const auto unit = units.root(port.leaf);
                if (of_others[port.leaf] || unit == unit_of_group_[out_.of_host[host]]) return;
                if (std::find(its.begin(), its.end(), unit) == its.end()) its.push_back(unit);
            });
            for (auto unit : its) ++guests[{unit, out_.of_host[host]}];
        }
        return guests;
    }

    void leaves_choose(DisjointSets& units) {
        std::vector<std::uint32_t> size(out_.groups);
        for (auto group : out_.of_host)
            if (group != none) ++size[group];
        const auto of_others = leaves_of_others(units, size);
        const auto guests = guests_of(units, of_others);
        for (std::uint32_t leaf = 0; leaf < on_leaf_.size(); ++leaf) {
            if (!out_.is_leaf[leaf] || aside_[leaf]) continue;
            Pair best{none, 0};                                                 // group, hosts
            each_group_on(leaf, [&](std::uint32_t group, std::uint32_t hosts) { // then of the smaller group
                if (best.first == none || hosts > best.second ||
                    (hosts == best.second && size[group] < size[best.first]))
                    best = {group, hosts};
            });
            bool is_others = false; // most hosts of another group are on it, or on leaves like it
            bool has_part = false;  // more than a quarter of another group's
            each_group_on(leaf, [&](std::uint32_t group, std::uint32_t hosts) {
                if (group == best.first || size[group] < 2) return;
                const auto on_unit = guests.find({units.root(leaf), group});
                const auto there =
                    on_unit == guests.end() || of_others[leaf] ? hosts : std::max(hosts, on_unit->second);
                is_others = is_others || there * 2 > size[group];
                has_part = has_part || hosts * 4 > size[group];
            });
            if (best.first == none || is_others) continue;
            const auto all = out_.hosts_on[leaf], others = all - best.second;
            const bool is_own_unit = unit_of_group_[best.first] == units.root(leaf);
            const bool is_its = is_own_unit ? (others <= 1 && others < best.second) ||
                                                  are_nearly_all(best.second, all) ||
                                                  (!has_part && others <= best.second)
                                            : others == 0 || (others == 1 && best.second == size[best.first]);
            if (is_its) out_.of_switch[leaf] = best.first;
        }
        drop_shared_devices();
        find_stands();
    }

    /// The devices (eno1) that are no rail: of their cables one of sixteen or more leads to a leaf that
    /// several groups share.
    std::set<std::string_view> shared_devices() const {
        using Place = std::tuple<std::string_view, std::uint32_t, std::uint32_t>; // device, leaf, group
        std::map<Place, std::uint32_t> at;                                        // cables
        for (const auto& port : hosts_.ports)
            if (out_.is_leaf[port.leaf] && !aside_[port.leaf] && out_.of_switch[port.leaf] == none)
                ++at[{port.device, port.leaf, out_.of_host[port.host]}];
        std::map<std::string_view, std::uint32_t> shared, all; // cables by device
        for (auto one = at.begin(); one != at.end();) {
            std::uint32_t cables = 0, groups = 0;
            const auto [device, leaf, _] = one->first;
            for (; one != at.end() && std::get<0>(one->first) == device && std::get<1>(one->first) == leaf;
                 ++one)
                cables += one->second, ++groups;
            if (groups > 1 && !device.empty()) shared[device] += cables;
        }
        if (shared.empty()) return {};
        for (const auto& port : hosts_.ports)
            if (shared.contains(port.device)) ++all[port.device];
        std::set<std::string_view> found;
        for (const auto& [device, cables] : shared)
            if (cables * 16 >= all.at(device)) found.insert(device);
        return found;
    }

    /// What racks share is none of a group's, wherever a rack and a unit happen to coincide.
    void drop_shared_devices() {
        const auto devices = shared_devices();
        if (devices.empty()) return;
        std::map<std::uint32_t, std::uint32_t> of_shared; // leaf -> their cables
        for (const auto& port : hosts_.ports)
            if (out_.of_switch[port.leaf] != none && devices.contains(port.device)) ++of_shared[port.leaf];
        for (auto [leaf, cables] : of_shared)
            if (cables * 2 > out_.hosts_on[leaf]) out_.of_switch[leaf] = none;
    }

    void find_stands() {
        out_.stands_on.assign(out_.groups, none);
        std::vector<bool> has_leaf(out_.groups);
        for (auto group : out_.of_switch)
            if (group != none) has_leaf[group] = true;
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host) {
            auto group = out_.of_host[host];
            if (group == none || has_leaf[group] || out_.stands_on[group] != none) continue;
            each_leaf_of(host, [&](const HostPort& port) {
                if (out_.stands_on[group] == none) out_.stands_on[group] = port.leaf;
            });
        }
    }

    const Fabric& fabric_;
    const Hosts& hosts_;
    Lists on_leaf_;
    std::vector<bool> aside_, inner_;
    std::vector<std::uint32_t> unit_of_group_, on_groups_; ///< by group
    Grouping out_;
};

} // namespace

Grouping group_by_rails(const Fabric& fabric, const Hosts& hosts) {
    return Grouper(fabric, hosts).grouping();
}

} // namespace railhead::topology
