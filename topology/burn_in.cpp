#include "topology/burn_in.hpp"

#include "topology/burn_in_gaps.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace railhead::topology {
namespace {

/// The part of a group in the pairs.
struct Share {
    const LeafGroup* group = nullptr;
    std::size_t upward = 0;             ///< pairs that must lead to other groups, and do not yet
    std::size_t turns = 0;              ///< pairs that it is to be in, and is not yet
    std::size_t taken = 0;              ///< pairs that it is in; its nodes come in turn
    std::vector<std::uint32_t> units{}; ///< that it is in, by tier; the last one is its island

    std::uint32_t island() const { return units.back(); }
    /// In how many tiers below the island the two are apart: traffic between them goes up so far.
    std::size_t apart(const Share& other) const {
        std::size_t tiers = 0;
        for (std::size_t tier = 0; tier + 1 < units.size(); ++tier) tiers += units[tier] != other.units[tier];
        return tiers;
    }
    std::size_t nodes() const { return group->hosts.size(); }
};

/// By group: how many pairs must leave it so that each of its leaves has as many as cables upwards.
std::vector<std::size_t> upward_pairs(const Fabric& fabric, const RailMap& map) {
    const auto& grouping = map.grouping;
    std::vector<std::size_t> up(fabric.devices.size());
    for (const auto& link : fabric.links)
        for (auto [leaf, other] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
            if (grouping.is_leaf[leaf] && !grouping.is_leaf[other] && fabric.is_switch(other)) ++up[leaf];
    std::vector<std::size_t> pairs(map.groups.size());
    for (std::size_t leaf = 0; leaf < up.size(); ++leaf) {
        auto group = grouping.of_switch[leaf];
        // Only some of the group's nodes may be on it.
        auto here = std::size_t{grouping.hosts_on[leaf]};
        if (!grouping.is_leaf[leaf] || group == none || here == 0) continue;
        auto nodes = map.groups[group].hosts.size();
        pairs[group] = std::max(pairs[group], (up[leaf] * nodes + here - 1) / here);
    }
    return pairs;
}

std::vector<Share> shares_of(const Fabric& fabric, const RailMap& map) {
    auto upward = upward_pairs(fabric, map);
    std::map<std::uint32_t, std::size_t> nodes; // by island
    for (std::size_t i = 0; i < map.groups.size(); ++i)
        nodes[map.tiers.back().of_group[i]] += map.groups[i].hosts.size();
    std::vector<Share> shares;
    for (std::size_t i = 0; i < map.groups.size(); ++i) {
        const auto& group = map.groups[i];
        if (group.hosts.empty()) continue;
        std::vector<std::uint32_t> units;
        for (const auto& tier : map.tiers) units.push_back(tier.of_group[i]);
        auto possible = group.hosts.size() * (nodes[units.back()] - group.hosts.size()); // each pair once
        auto leaving = std::min(upward[i], possible);
        shares.push_back({&group, leaving, std::max(leaving, group.hosts.size()), 0, std::move(units)});
    }
    return shares;
}

/// By two groups, as places in `shares`: the most cables between two of their leaves.
std::map<HostPair, std::size_t> cables_between(const Fabric& fabric, const RailMap& map,
                                               const std::vector<Share>& shares) {
    std::vector<std::uint32_t> place(map.groups.size(), none);
    for (std::uint32_t i = 0; i < shares.size(); ++i)
        place[static_cast<std::size_t>(shares[i].group - map.groups.data())] = i;
    const auto& grouping = map.grouping;
    std::map<HostPair, std::size_t> of_leaves, of_groups;
    for (const auto& link : fabric.links)
        if (grouping.is_leaf[link.a] && grouping.is_leaf[link.b]) ++of_leaves[{link.a, link.b}];
    for (const auto& [leaves, cables] : of_leaves) {
        auto one = grouping.of_switch[leaves.first], other = grouping.of_switch[leaves.second];
        if (one == none || other == none || one == other || place[one] == none || place[other] == none)
            continue;
        auto& most = of_groups[std::minmax(place[one], place[other])];
        most = std::max(most, cables);
    }
    return of_groups;
}

/// Joins the group that lacks most pairs with another, again and again: the fewest pairs, as none is within a
/// group before all others have what they need.
class Matching {
  public:
    explicit Matching(std::vector<Share> shares) : shares_(std::move(shares)) {
        for (std::uint32_t i = 0; i < shares_.size(); ++i) open_.insert(i);
    }

    /// `first` says which groups must be joined, and how often.
    std::vector<HostPair> pairs(const std::map<HostPair, std::size_t>& first) {
        for (const auto& [groups, times] : first)
            for (std::size_t i = 0; i < times && join(groups.first, groups.second); ++i) {
            }
        while (!open_.empty() && shares_[*open_.begin()].turns > 0) {
            auto one = *open_.begin();
            if (join_with_next(one)) continue;
            bool within = shares_[one].upward == 0 && join(one, one);
            if (!within && !join_with_any(one)) change(one, [](Share& share) { share.turns = 0; });
        }
        return std::move(pairs_);
    }

  private:
    /// With the next group that lacks pairs, in another pod where there is one.
    bool join_with_next(std::uint32_t one) {
        for (auto tiers = shares_[one].units.size(); tiers-- > 0;)
            for (auto other : open_) {
                if (shares_[other].turns == 0) break;
                bool fits = other != one && shares_[other].island() == shares_[one].island() &&
                            shares_[other].apart(shares_[one]) == tiers;
                if (fits && join(one, other)) return true;
            }
        return false;
    }
    /// With one that has all it needs.
    bool join_with_any(std::uint32_t one) {
        for (std::uint32_t i = 0; i < shares_.size(); ++i) {
            next_ = (next_ + 1) % static_cast<std::uint32_t>(shares_.size());
            if (next_ != one && shares_[next_].island() == shares_[one].island() && join(one, next_))
                return true;
        }
        return false;
    }

    /// The first pair of their nodes, each group's in turn, that is not there yet.
    bool join(std::uint32_t one, std::uint32_t other) {
        auto &a = shares_[one], &b = shares_[other];
        for (std::size_t i = 0; i < a.nodes(); ++i)
            for (std::size_t j = one == other ? 1 : 0; j < b.nodes(); ++j) {
                auto first = node(a, a.taken + i), second = node(b, b.taken + j);
                if (!known_.insert(std::minmax(first, second)).second) continue;
                pairs_.emplace_back(first, second);
                for (auto side : {one, other})
                    change(side, [&](Share& share) {
                        share.turns -= std::min<std::size_t>(share.turns, 1);
                        share.upward -= std::min<std::size_t>(share.upward, one == other ? 0 : 1);
                        ++share.taken;
                    });
                return true;
            }
        return false;
    }
    static std::uint32_t node(const Share& share, std::size_t turn) {
        return share.group->hosts[turn % share.nodes()];
    }
    template <class Change>
    void change(std::uint32_t index, const Change& change) {
        open_.erase(index);
        change(shares_[index]);
        open_.insert(index);
    }

    struct LacksMore {
        const std::vector<Share>& shares;
        bool operator()(std::uint32_t a, std::uint32_t b) const {
            return shares[a].turns != shares[b].turns ? shares[a].turns > shares[b].turns : a < b;
        }
    };
    std::vector<Share> shares_;
    std::set<std::uint32_t, LacksMore> open_{LacksMore{shares_}};
    std::set<HostPair> known_;
    std::vector<HostPair> pairs_;
    std::uint32_t next_ = 0;
};

/// Without those that the ones added for gaps made needless, the last first. Each costs a look at the whole
/// fabric, and of many pairs the few do not matter.
void drop_needless(const Fabric& fabric, const Hosts& hosts, const RailMap& map,
                   std::vector<HostPair>& pairs) {
    constexpr std::size_t most_looks = 2'000'000; // at a link
    if (pairs.size() * fabric.links.size() > most_looks) return;
    for (auto i = pairs.size(); i-- > 0;) {
        auto fewer = pairs;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (burn_in_gaps(fabric, hosts, map, fewer).empty()) pairs = std::move(fewer);
    }
}

} // namespace

std::vector<std::pair<std::string_view, std::string_view>>
burn_in_pairs(const Fabric& fabric, const Hosts& hosts, const RailMap& map) {
    auto shares = shares_of(fabric, map);
    auto first = cables_between(fabric, map, shares);
    auto pairs = Matching(std::move(shares)).pairs(first);
    auto added = burn_in_gaps(fabric, hosts, map, pairs);
    pairs.insert(pairs.end(), added.begin(), added.end());
    drop_needless(fabric, hosts, map, pairs);
    std::vector<std::pair<std::string_view, std::string_view>> names;
    for (auto [one, other] : pairs) names.emplace_back(hosts.hosts[one].name, hosts.hosts[other].name);
    return names;
}

} // namespace railhead::topology
