#include "topology/tiers.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace railhead::topology {
namespace {

class Tiers {
  public:
    Tiers(const Fabric& fabric, const Grouping& grouping)
        : fabric_(fabric), grouping_(grouping), neighbours_(fabric.devices.size(), [&](auto add) {
              for (const auto& link : fabric.links)
                  if (fabric.joins_switches(link)) {
                      add(link.a, link.b);
                      add(link.b, link.a);
                  }
          }) {}

    std::vector<Tier> tiers() {
        find_levels();
        std::vector<std::vector<std::uint32_t>> parts(
            grouping_.groups); // switches of each unit on the level below
        for (std::uint32_t device = 0; device < grouping_.of_switch.size(); ++device)
            if (grouping_.of_switch[device] != none) parts[grouping_.of_switch[device]].push_back(device);
        for (std::uint32_t group = 0; group < parts.size(); ++group)
            if (grouping_.stands_on[group] != none) parts[group].push_back(grouping_.stands_on[group]);
        std::vector<std::uint32_t> of_group(grouping_.groups);
        for (std::uint32_t i = 0; i < of_group.size(); ++i) of_group[i] = i;
        for (std::uint32_t level = 1; parts.size() > 1; ++level) {
            for (auto& part : parts) part = above(part, level);
            auto unit_of = join(parts);
            auto units = number(unit_of);
            bool joins = units < parts.size();
            std::vector<std::vector<std::uint32_t>> joined(units);
            for (std::size_t i = 0; i < parts.size(); ++i)
                joined[unit_of[i]].insert(joined[unit_of[i]].end(), parts[i].begin(), parts[i].end());
            bool is_top = std::all_of(joined.begin(), joined.end(), [](auto& part) { return part.empty(); });
            for (auto& unit : of_group) unit = unit_of[unit];
            parts = std::move(joined);
            for (auto& part : parts) {
                std::sort(part.begin(), part.end());
                part.erase(std::unique(part.begin(), part.end()), part.end());
            }
            if (joins) out_.push_back({units, of_group, {}, only_ones(parts)});
            if (is_top) break;
        }
        if (out_.empty()) join_neighbours(of_group);
        add_islands(of_group);
        return std::move(out_);
    }

  private:
    static std::vector<std::uint32_t> only_ones(const std::vector<std::vector<std::uint32_t>>& parts) {
        std::vector<std::uint32_t> ones;
        for (const auto& part : parts) ones.push_back(part.size() == 1 ? part.front() : none);
        return ones;
    }

    /// Leaves are on level 0, what they are cabled to on 1, and so on.
    void find_levels() {
        level_.assign(fabric_.devices.size(), none);
        std::vector<std::uint32_t> wave;
        for (std::uint32_t device = 0; device < level_.size(); ++device)
            if (grouping_.is_leaf[device]) {
                level_[device] = 0;
                wave.push_back(device);
            }
        for (std::uint32_t level = 1; !wave.empty(); ++level) {
            std::vector<std::uint32_t> next;
            for (auto device : wave)
                for (auto neighbour : neighbours_[device])
                    if (level_[neighbour] == none) {
                        level_[neighbour] = level;
                        next.push_back(neighbour);
                    }
            wave = std::move(next);
        }
    }

    std::vector<std::uint32_t> above(const std::vector<std::uint32_t>& switches, std::uint32_t level) const {
        std::vector<std::uint32_t> found;
        for (auto device : switches)
            for (auto neighbour : neighbours_[device])
                if (level_[neighbour] == level) found.push_back(neighbour);
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found;
    }

    std::vector<std::uint32_t> join(const std::vector<std::vector<std::uint32_t>>& parts) const {
        auto each = [&](auto add) {
            for (std::uint32_t part = 0; part < parts.size(); ++part)
                for (auto device : parts[part]) add(part, device);
        };
        Lists members(parts.size(), each);
        Lists sets(fabric_.devices.size(),
                   [&](auto add) { each([&](auto part, auto device) { add(device, part); }); });
        auto joined = join_coinciding(members, sets);
        join_contained(parts, joined);
        std::vector<std::uint32_t> unit(parts.size());
        for (std::uint32_t part = 0; part < parts.size(); ++part) unit[part] = joined.root(part);
        return unit;
    }

    /// With few switches above, one lost cable makes half of them differ: a unit also belongs to another one
    /// with no fewer of them that has more than half of its.
    void join_contained(const std::vector<std::vector<std::uint32_t>>& parts, DisjointSets& joined) const {
        std::map<std::uint32_t, std::set<std::uint32_t>> above; // unit -> switches
        for (std::uint32_t part = 0; part < parts.size(); ++part)
            above[joined.root(part)].insert(parts[part].begin(), parts[part].end());
        std::vector<std::uint32_t> units;
        std::map<std::uint32_t, std::vector<std::uint32_t>> units_of; // switch -> units
        for (const auto& [unit, switches] : above) {
            units.push_back(unit);
            for (auto device : switches) units_of[device].push_back(unit);
        }
        for (auto unit : units) {
            const auto& own = above.at(unit);
            std::vector<std::uint32_t> rarest(own.begin(), own.end());
            const auto half = static_cast<std::ptrdiff_t>((rarest.size() + 1) / 2);
            auto is_rarer = [&](auto one, auto other) {
                return std::pair(units_of.at(one).size(), one) < std::pair(units_of.at(other).size(), other);
            };
            std::partial_sort(rarest.begin(), rarest.begin() + half, rarest.end(), is_rarer);
            std::set<std::uint32_t> others; // one that has more than half has one of the rarer half
            for (auto device = rarest.begin(); device != rarest.begin() + half; ++device)
                for (auto other : units_of.at(*device))
                    if (other != unit && above.at(other).size() >= own.size()) others.insert(other);
            std::pair<std::ptrdiff_t, std::uint32_t> best{0, none};
            for (auto other : others) {
                const auto& its = above.at(other);
                auto is_common = [&](auto device) { return its.contains(device); };
                const auto common = std::count_if(own.begin(), own.end(), is_common);
                if (common > best.first) best = {common, other};
            }
            if (static_cast<std::size_t>(best.first) * 2 > own.size()) joined.join(unit, best.second);
        }
    }

    /// Where no switches are above leaves.
    void join_neighbours(std::vector<std::uint32_t>& of_group) {
        std::vector<std::set<std::uint32_t>> around(grouping_.groups); // and the group itself
        for (std::uint32_t group = 0; group < around.size(); ++group) around[group].insert(group);
        for (std::uint32_t leaf = 0; leaf < neighbours_.size(); ++leaf)
            for (auto other : neighbours_[leaf]) {
                auto one = grouping_.of_switch[leaf], two = grouping_.of_switch[other];
                if (one != none && two != none) around[one].insert(two);
            }
        DisjointSets joined(grouping_.groups);
        for (std::uint32_t one = 0; one < around.size(); ++one)
            for (auto other : around[one]) {
                const bool is_fewer = around[one].size() < around[other].size();
                const auto &few = around[is_fewer ? one : other], &many = around[is_fewer ? other : one];
                auto is_of_both = [&](std::uint32_t group) { return many.contains(group); };
                const auto common =
                    static_cast<std::size_t>(std::count_if(few.begin(), few.end(), is_of_both));
                // A third one is around both, for without it one lost cable makes any two neighbours alike.
                if (common > 2 && common * 2 > few.size()) joined.join(one, other);
            }
        join_left_over(around, joined);
        if (!are_pods(around, joined)) return;
        for (auto& unit : of_group) unit = joined.root(unit);
        if (auto units = number(of_group); units < grouping_.groups) out_.push_back({units, of_group, {}});
    }

    /// A lost cable in a pod of three leaves no two of them with a third: they are one by the cables that are
    /// left between such, as long as they are no more than the largest pod.
    void join_left_over(const std::vector<std::set<std::uint32_t>>& around, DisjointSets& joined) const {
        std::vector<std::size_t> size(around.size());
        for (std::uint32_t group = 0; group < around.size(); ++group) ++size[joined.root(group)];
        const auto largest = size.empty() ? 0 : *std::max_element(size.begin(), size.end());
        if (largest < 2) return;
        auto is_alone = [&](std::uint32_t group) { return size[joined.root(group)] == 1; };
        DisjointSets left(around.size());
        for (std::uint32_t one = 0; one < around.size(); ++one)
            for (auto other : around[one])
                if (is_alone(one) && is_alone(other)) left.join(one, other);
        std::map<std::uint32_t, std::vector<std::uint32_t>> parts;
        for (std::uint32_t group = 0; group < around.size(); ++group)
            if (is_alone(group)) parts[left.root(group)].push_back(group);
        for (const auto& [first, part] : parts)
            if (part.size() <= largest)
                for (auto group : part) joined.join(first, group);
    }

    /// Each one is cabled to half of the others of its unit or more, and not most are alone.
    static bool are_pods(const std::vector<std::set<std::uint32_t>>& around, DisjointSets& joined) {
        std::vector<std::size_t> size(around.size());
        for (std::uint32_t group = 0; group < around.size(); ++group) ++size[joined.root(group)];
        const auto alone = static_cast<std::size_t>(std::count(size.begin(), size.end(), 1U));
        if (alone * 2 > around.size()) return false;
        for (std::uint32_t group = 0; group < around.size(); ++group) {
            const auto unit = joined.root(group);
            const auto its = std::count_if(around[group].begin(), around[group].end(),
                                           [&](std::uint32_t other) { return joined.root(other) == unit; });
            const auto others = static_cast<std::size_t>(its) - 1; // `around` has the group itself
            if (others * 2 < size[unit] - 1) return false;
        }
        return true;
    }

    /// Numbers from 0 in the order in which they come; returns how many there are.
    static std::uint32_t number(std::vector<std::uint32_t>& of) {
        std::vector<std::uint32_t> numbers(
            of.empty() ? 0 : *std::max_element(of.begin(), of.end()) + std::size_t{1}, none);
        std::uint32_t count = 0;
        for (auto& value : of) {
            if (numbers[value] == none) numbers[value] = count++;
            value = numbers[value];
        }
        return count;
    }

    void add_islands(const std::vector<std::uint32_t>& highest) {
        auto devices = islands_of(fabric_);
        auto first = grouping_.stands_on;
        for (std::uint32_t device = 0; device < grouping_.of_switch.size(); ++device) {
            auto group = grouping_.of_switch[device];
            if (group == none) continue;
            if (first[group] == none) first[group] = device;
            devices.join(first[group], device); // rails may be fabrics of their own
        }
        std::vector<std::uint32_t> of_group(grouping_.groups);
        DisjointSets units(grouping_.groups); // what was joined stays so
        std::vector<std::uint32_t> by_root(fabric_.devices.size(), none), by_unit(grouping_.groups, none);
        for (std::uint32_t group = 0; group < of_group.size(); ++group)
            for (auto* seen : {first[group] == none ? nullptr : &by_root[devices.root(first[group])],
                               &by_unit[highest[group]]})
                if (seen && *seen == none)
                    *seen = group;
                else if (seen)
                    units.join(*seen, group);
        for (std::uint32_t group = 0; group < of_group.size(); ++group) of_group[group] = units.root(group);
        auto islands = number(of_group);
        if (out_.empty() || islands < out_.back().units) out_.push_back({islands, std::move(of_group), {}});
    }

    const Fabric& fabric_;
    const Grouping& grouping_;
    Lists neighbours_;
    std::vector<std::uint32_t> level_;
    std::vector<Tier> out_;
};

} // namespace

std::vector<Tier> tiers_of(const Fabric& fabric, const Grouping& grouping) {
    return Tiers(fabric, grouping).tiers();
}

} // namespace railhead::topology
