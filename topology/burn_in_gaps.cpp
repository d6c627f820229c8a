#include "topology/burn_in_gaps.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

namespace railhead::topology {
namespace {

/// A host's end of a lane: what has the same device and is joined by cables. Only hosts of a lane reach each
/// other on it.
struct End {
    std::uint32_t host = 0, lane = 0, leaf = 0;
    bool is_covered = false;
};

class Gaps {
  public:
    Gaps(const Fabric& fabric, const Hosts& hosts, const RailMap& map) : fabric_(fabric), map_(map) {
        group_of_.assign(hosts.hosts.size(), none);
        for (std::uint32_t group = 0; group < map.groups.size(); ++group)
            for (auto host : map.groups[group].hosts) group_of_[host] = group;
        times_.resize(hosts.hosts.size());
        make_lanes(hosts);
        count_cables();
    }

    std::vector<HostPair> beside(const std::vector<HostPair>& pairs) {
        for (auto [one, other] : pairs) count(one, other);
        fill_between_leaves();
        fill_upwards();
        fill_to_hosts();
        return std::move(added_);
    }

  private:
    void make_lanes(const Hosts& hosts) {
        auto joined = islands_of(fabric_);
        std::map<std::pair<std::string_view, std::uint32_t>, std::uint32_t> numbers;
        ends_of_.resize(hosts.hosts.size());
        on_leaf_.resize(fabric_.devices.size());
        for (const auto& port : hosts.ports) {
            if (group_of_[port.host] == none) continue;
            auto next = static_cast<std::uint32_t>(numbers.size());
            auto lane = numbers.try_emplace({port.device, joined.root(port.leaf)}, next).first->second;
            auto end = static_cast<std::uint32_t>(ends_.size());
            ends_.push_back({port.host, lane, port.leaf});
            ends_of_[port.host].push_back(end);
            on_leaf_[port.leaf].push_back(end);
            lanes_.resize(numbers.size());
            lanes_[lane].push_back(end);
        }
    }

    /// Between leaves, and from a group's leaf upwards.
    void count_cables() {
        const auto& grouping = map_.grouping;
        lacks_up_.resize(fabric_.devices.size());
        for (const auto& link : fabric_.links) {
            if (!fabric_.joins_switches(link)) continue;
            if (grouping.is_leaf[link.a] && grouping.is_leaf[link.b])
                ++lacks_between_[std::minmax(link.a, link.b)];
            for (auto [leaf, other] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
                if (grouping.is_leaf[leaf] && grouping.of_switch[leaf] != none && !grouping.is_leaf[other])
                    ++lacks_up_[leaf];
        }
    }

    static void lower(std::size_t& number) { number -= std::min<std::size_t>(number, 1); }

    /// What the traffic between the two crosses.
    void count(std::uint32_t one, std::uint32_t other) {
        known_.insert(std::minmax(one, other));
        ++times_[one], ++times_[other];
        for (auto a : ends_of_[one])
            for (auto b : ends_of_[other]) {
                auto &from = ends_[a], &to = ends_[b];
                if (from.lane != to.lane) continue;
                from.is_covered = to.is_covered = true;
                if (from.leaf == to.leaf) continue;
                if (auto at = lacks_between_.find(std::minmax(from.leaf, to.leaf));
                    at != lacks_between_.end())
                    lower(at->second);
                if (group_of_[one] == group_of_[other]) continue;
                lower(lacks_up_[from.leaf]);
                lower(lacks_up_[to.leaf]);
            }
    }

    bool can_join(std::uint32_t one, std::uint32_t other) const {
        return one != other && !known_.contains(std::minmax(one, other));
    }
    void join(std::uint32_t one, std::uint32_t other) {
        added_.emplace_back(one, other);
        count(one, other);
    }

    /// In how many tiers the two are apart: traffic between them goes up so far.
    std::size_t apart(std::uint32_t one, std::uint32_t other) const {
        std::size_t tiers = group_of_[one] != group_of_[other];
        for (const auto& tier : map_.tiers)
            tiers += tier.of_group[group_of_[one]] != tier.of_group[group_of_[other]];
        return tiers;
    }

    /// Those that gain most come first, then those that are in the fewest pairs.
    std::vector<std::uint32_t> in_turn(std::vector<std::uint32_t> ends) const {
        std::stable_sort(ends.begin(), ends.end(), [&](std::uint32_t a, std::uint32_t b) {
            const auto &one = ends_[a], &other = ends_[b];
            return std::tuple(one.is_covered, times_[one.host]) <
                   std::tuple(other.is_covered, times_[other.host]);
        });
        return ends;
    }

    bool join_leaves(std::uint32_t one, std::uint32_t other) {
        for (auto a : in_turn(on_leaf_[one]))
            for (auto b : in_turn(on_leaf_[other])) {
                if (ends_[a].lane != ends_[b].lane || !can_join(ends_[a].host, ends_[b].host)) continue;
                join(ends_[a].host, ends_[b].host);
                return true;
            }
        return false;
    }
    void fill_between_leaves() {
        for (const auto& [leaves, lacking] : lacks_between_)
            while (lacking > 0 && join_leaves(leaves.first, leaves.second)) {
            }
    }

    /// With one of these, which are on the lane of `end`: one that gains, too, then the farthest, then the
    /// one in the fewest pairs.
    bool join_with_best(std::uint32_t end, const std::vector<std::uint32_t>& others, bool upwards) {
        const auto& own = ends_[end];
        const End* best = nullptr;
        std::tuple<bool, std::size_t, std::uint32_t> best_rank;
        for (auto index : others) {
            const auto& other = ends_[index];
            auto tiers = apart(own.host, other.host);
            if (upwards && (tiers == 0 || own.leaf == other.leaf)) continue;
            std::tuple rank(!other.is_covered, tiers, UINT32_MAX - times_[other.host]);
            if ((best && rank <= best_rank) || !can_join(own.host, other.host)) continue;
            best = &other;
            best_rank = rank;
            if (!other.is_covered && tiers == map_.tiers.size()) break; // none is farther, nor gains more
        }
        if (best) join(own.host, best->host);
        return best != nullptr;
    }

    bool join_upwards(std::uint32_t leaf) {
        for (auto end : in_turn(on_leaf_[leaf]))
            if (join_with_best(end, lanes_[ends_[end].lane], true)) return true;
        return false;
    }
    void fill_upwards() {
        for (std::uint32_t leaf = 0; leaf < lacks_up_.size(); ++leaf)
            while (lacks_up_[leaf] > 0 && join_upwards(leaf)) {
            }
    }

    /// The lane on which the fewest are left comes first: what has it has the commoner ones as well.
    void fill_to_hosts() {
        std::vector<std::size_t> left(lanes_.size());
        for (const auto& end : ends_) left[end.lane] += !end.is_covered;
        std::vector<std::uint32_t> order(lanes_.size());
        std::iota(order.begin(), order.end(), 0U);
        std::stable_sort(order.begin(), order.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return left[a] < left[b]; });
        for (auto lane : order) {
            auto open = lanes_[lane];
            for (auto end : lanes_[lane]) {
                if (ends_[end].is_covered) continue;
                std::erase_if(open, [&](std::uint32_t other) { return ends_[other].is_covered; });
                if (!join_with_best(end, open, false)) join_with_best(end, lanes_[lane], false);
            }
        }
    }

    const Fabric& fabric_;
    const RailMap& map_;
    std::vector<std::uint32_t> group_of_, times_; ///< by host: its group, and how many pairs it is in
    std::vector<End> ends_;
    std::vector<std::vector<std::uint32_t>> ends_of_, on_leaf_, lanes_; ///< by host, device and lane
    std::map<HostPair, std::size_t> lacks_between_;                     ///< by two leaves: pairs
    std::vector<std::size_t> lacks_up_;                                 ///< by leaf: flows to other groups
    std::set<HostPair> known_;
    std::vector<HostPair> added_;
};

} // namespace

std::vector<HostPair> burn_in_gaps(const Fabric& fabric, const Hosts& hosts, const RailMap& map,
                                   const std::vector<HostPair>& pairs) {
    return Gaps(fabric, hosts, map).beside(pairs);
}

} // namespace railhead::topology
