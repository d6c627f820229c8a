#include "topology/unit_order.hpp"

#include "topology/natural.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

namespace railhead::topology {
namespace {

constexpr std::size_t least_unit = 3; ///< nodes; fewer have no place of their own
constexpr std::size_t most_odd = 8;   ///< one of so many

/// Nodes that are named alike, in the order of their names.
class Row {
  public:
    struct Odd {
        std::size_t node;                     ///< index in the row
        std::uint32_t group;                  ///< where its name puts it
        std::optional<std::size_t> or_node{}; ///< if not this one, which is in that group
    };
    /// `groups`: of each node.
    explicit Row(std::vector<std::uint32_t> groups) : groups_(std::move(groups)) {
        std::map<std::uint32_t, std::vector<std::size_t>> places;
        for (std::size_t node = 0; node < groups_.size(); ++node) places[groups_[node]].push_back(node);
        for (const auto& [group, its] : places)
            if (its.size() >= least_unit) units_.push_back({group, its.size(), its[its.size() / 2]});
        std::sort(units_.begin(), units_.end(),
                  [](const Unit& one, const Unit& other) { return one.middle < other.middle; });
        for (std::size_t unit = 0; unit < units_.size(); ++unit) unit_of_group_[units_[unit].group] = unit;
        for (auto group : groups_) {
            auto at = unit_of_group_.find(group);
            unit_of_.push_back(at == unit_of_group_.end() ? units_.size() : at->second);
        }
    }

    std::vector<Odd> odd() {
        if (units_.empty()) return {};
        const auto place = part();
        auto found = out_of_place();
        if (found.size() > std::max<std::size_t>(1, groups_.size() / most_odd)) return {};
        if (!place || found.size() != 1) return found;
        units_[0].end = units_[1].begin = *place;
        const auto others = out_of_place();
        if (others.size() == 1 && others[0].node != found[0].node) found[0].or_node = others[0].node;
        return found;
    }

  private:
    struct Unit {
        std::uint32_t group;
        std::size_t count;              ///< its nodes
        std::size_t middle;             ///< where the one in the middle is
        std::size_t begin = 0, end = 0; ///< the nodes that are its by name
    };

    std::vector<Odd> out_of_place() const {
        std::vector<Odd> found;
        for (const auto& unit : units_)
            for (auto node = unit.begin; node < unit.end; ++node)
                if (groups_[node] != unit.group && (is_at_home(node) || is_amid(unit, node)))
                    found.push_back({node, unit.group});
        return found;
    }
    bool is_at_home(std::size_t node) const { return unit_of_[node] < units_.size(); }
    bool is_amid(const Unit& unit, std::size_t node) const {
        auto first = groups_.begin();
        auto at = [&](std::size_t place) { return first + static_cast<std::ptrdiff_t>(place); };
        return std::find(at(unit.begin), at(node), unit.group) != at(node) &&
               std::find(at(node), at(unit.end), unit.group) != at(unit.end);
    }

    /// Twice what a unit has by name when they are even.
    std::size_t twice_usual() const {
        std::vector<std::size_t> sizes;
        for (const auto& unit : units_) sizes.push_back(unit.count);
        std::sort(sizes.begin(), sizes.end());
        return sizes[(sizes.size() - 1) / 2] + sizes[sizes.size() / 2];
    }

    /// Ends each unit where the fewest nodes are on the wrong side and, of such places, where it is nearest
    /// to the usual size. Two units that would not be even tell no usual size: then also returns the other
    /// place.
    std::optional<std::size_t> part() {
        const auto usual = twice_usual();
        std::optional<std::size_t> other;
        for (std::size_t unit = 0; unit + 1 < units_.size(); ++unit) {
            auto uneven = [&](std::size_t place) {
                const auto size = 2 * (place - units_[unit].begin);
                return size > usual ? size - usual : usual - size;
            };
            long wrong = 0, fewest = 0; // on the wrong side, more than at the first place
            auto best = units_[unit].middle + 1;
            other.reset();
            for (auto place = best; place < units_[unit + 1].middle; ++place) {
                if (is_at_home(place)) wrong += unit_of_[place] > unit ? 1 : -1;
                if (wrong > fewest) continue;
                const bool is_better = wrong < fewest || uneven(place + 1) <= uneven(best);
                other = wrong < fewest ? std::nullopt : std::optional(is_better ? best : place + 1);
                fewest = wrong;
                if (is_better) best = place + 1;
            }
            units_[unit].end = units_[unit + 1].begin = best;
            if (units_.size() > 2 || uneven(best) == 0) other.reset();
        }
        units_.back().end = groups_.size();
        return other;
    }

    std::vector<std::uint32_t> groups_;
    std::vector<Unit> units_;
    std::map<std::uint32_t, std::size_t> unit_of_group_;
    std::vector<std::size_t> unit_of_; ///< of each node; units_.size(): one that is at home elsewhere
};

Finding either(const Hosts& hosts, std::uint32_t one, std::uint32_t other) {
    if (one > other) std::swap(one, other);
    return {.id = "unit-odd",
            .level = Level::warn,
            .where = fmt::format("{} or {}", hosts.hosts[one].name, hosts.hosts[other].name),
            .seen = "is in another unit than the order of names says",
            .next = "look which of them is cabled to the wrong unit"};
}

} // namespace

std::vector<CablingFinding> unit_findings(const Hosts& hosts, const RailMap& map, double one_rail) {
    std::map<std::string_view, std::vector<std::uint32_t>> alike; // hosts come in the order of their names
    for (std::uint32_t host = 0; host < hosts.hosts.size(); ++host) {
        auto group = map.grouping.of_host[host];
        if (group != none && map.groups[group].hosts.size() >= least_unit)
            alike[name_stem(hosts.hosts[host].name)].push_back(host);
    }
    std::vector<CablingFinding> found;
    for (const auto& [stem, row] : alike) {
        std::vector<std::uint32_t> groups;
        for (auto host : row) groups.push_back(map.grouping.of_host[host]);
        Row in_order(groups);
        for (const auto& odd : in_order.odd()) {
            if (!hosts.hosts[row[odd.node]].wanted) continue;
            const auto own = groups[odd.node];
            if (odd.or_node) {
                found.push_back({either(hosts, row[odd.node], row[*odd.or_node]), one_rail});
                continue;
            }
            Finding finding{.id = "unit-odd",
                            .level = Level::warn,
                            .where = std::string(hosts.hosts[row[odd.node]].name),
                            .seen = fmt::format("is in {}, and the nodes next to it by name in {}",
                                                map.groups[own].name, map.groups[odd.group].name),
                            .next = "look whether it is cabled to the wrong unit"};
            found.push_back({std::move(finding), one_rail});
        }
    }
    return found;
}

} // namespace railhead::topology
