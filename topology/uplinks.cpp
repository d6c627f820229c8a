#include "topology/uplinks.hpp"

#include "topology/host_names.hpp"
#include "topology/switch_names.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace railhead::topology {
namespace {

constexpr double most_even = 1.05; ///< bandwidth down to up of a leaf that is not over-subscribed
constexpr std::size_t rare = 4;    ///< where more than one of so many is odd, it is built that way
constexpr std::size_t very_rare = 16;

class Uplinks {
  public:
    Uplinks(const Fabric& fabric, const Hosts& hosts, const RailMap& map)
        : fabric_(fabric), hosts_(hosts), map_(map), level_(fabric.devices.size(), none),
          group_below_(map.grouping.of_switch), up_(fabric.devices.size()) {
        find_levels();
        std::map<std::uint32_t, std::map<std::uint32_t, std::uint32_t>> rates; // level -> rate -> cables
        for (const auto& link : fabric.links)
            for (auto [lower, upper] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
                if (is_up(lower, upper)) {
                    up_[lower] += 1;
                    ++rates[level_[lower]][link.rate.gbps_x10()];
                }
        for (const auto& [level, of_level] : rates) usual_gbps_[level] = most_frequent(of_level) / 10.0;
    }

    std::vector<CablingFinding> findings() {
        look_at_leaves();
        look_between_leaves();
        look_above();
        look_at_bare_switches();
        look_at_bandwidth();
        return std::move(out_);
    }

  private:
    template <class Counts>
    static std::uint32_t most_frequent(const Counts& counts) {
        auto fewer = [](const auto& one, const auto& other) { return one.second <= other.second; };
        return std::max_element(counts.begin(), counts.end(), fewer)->first; // of equal ones the last
    }
    bool is_up(std::uint32_t lower, std::uint32_t upper) const {
        return level_[lower] != none && level_[upper] == level_[lower] + 1;
    }

    /// Leaves are level 0, a switch is one above the lowest that it is cabled to.
    void find_levels() {
        std::vector<std::pair<std::uint32_t, std::uint32_t>> cables;
        for (const auto& link : fabric_.links)
            if (fabric_.joins_switches(link)) cables.emplace_back(link.a, link.b);
        std::vector<std::uint32_t> now;
        for (std::uint32_t device = 0; device < level_.size(); ++device)
            if (map_.grouping.is_leaf[device]) level_[device] = 0;
        for (std::uint32_t level = 0; level < fabric_.devices.size(); ++level) {
            bool is_any = false;
            for (auto [a, b] : cables)
                for (auto [lower, upper] : {std::pair(a, b), std::pair(b, a)}) {
                    if (level_[lower] != level || (level_[upper] != none && level_[upper] != level + 1))
                        continue;
                    is_any = true;
                    level_[upper] = level + 1;
                    // The first of them, in no order of the source.
                    group_below_[upper] = std::min(group_below_[upper], group_below_[lower]);
                }
            if (!is_any) break;
        }
    }

    std::string name_of(std::uint32_t device) const { return labels_(device); }

    void say_uneven(std::uint32_t device, std::uint32_t usual, const std::string& others) {
        auto each = std::max(1.0, usual_gbps_[level_[device]]);
        out_.push_back({{.id = "uplinks-uneven",
                         .level = Level::warn,
                         .where = name_of(device),
                         .seen = fmt::format("has {} cable{} up", up_[device], up_[device] == 1 ? "" : "s"),
                         .expected = fmt::format("{}, as most {} have", usual, others)},
                        each * (usual - up_[device])});
    }

    /// With those of their source, which may know leaves only.
    void look_at_leaves() {
        find_spines();
        std::map<std::size_t, std::map<std::uint32_t, std::uint32_t>>
            leaves_with; // source -> cables up -> leaves
        for (std::uint32_t device = 0; device < up_.size(); ++device)
            if (map_.grouping.of_switch[device] != none)
                ++leaves_with[fabric_.source_of(device)][up_[device]];
        std::map<std::size_t, std::uint32_t> usual;
        for (const auto& [source, leaves] : leaves_with) usual[source] = most_frequent(leaves);
        for (std::uint32_t device = 0; device < up_.size(); ++device) {
            auto group = map_.grouping.of_switch[device];
            if (group == none || !has_wanted(map_.groups[group], hosts_)) continue;
            if (are_built_so(group)) continue;
            if (auto most = usual.at(fabric_.source_of(device)); up_[device] < most)
                say_uneven(device, most, "leaves");
            else
                look_at_spines_of(device);
        }
    }

    /// Three leaves or more, all with the same cables to the same spines: a unit of another generation.
    bool are_built_so(std::uint32_t group) {
        constexpr std::size_t least_leaves = 3;
        auto [at, is_new] = built_so_.try_emplace(group, false);
        if (!is_new) return at->second;
        std::size_t leaves = 0;
        const std::map<std::uint32_t, std::uint32_t>* first = nullptr;
        for (const auto& rail : map_.groups[group].rails)
            for (auto leaf : rail.switches) {
                const auto& own = cables_to_[leaf];
                if (first && *first != own) return false;
                first = &own;
                ++leaves;
            }
        return at->second = leaves >= least_leaves && !first->empty();
    }

    /// The switches above a leaf. Most leaves may lack a cable, each to another spine: then each spine has
    /// one to most of the leaves that share most of its like.
    void find_spines() {
        for (const auto& link : fabric_.links)
            for (auto [lower, upper] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
                if (map_.grouping.of_switch[lower] != none && is_up(lower, upper)) ++cables_to_[lower][upper];
        auto each = [&](auto add) {
            for (const auto& [leaf, spines] : cables_to_)
                for (const auto& [spine, cables] : spines) add(leaf, spine);
        };
        const Lists members(level_.size(), each);
        const Lists sets(level_.size(), [&](auto add) {
            each([&](std::uint32_t leaf, std::uint32_t spine) { add(spine, leaf); });
        });
        like_ = join_coinciding(members, sets);
        std::map<std::uint32_t, std::uint32_t> leaves; // by their root
        std::map<std::pair<std::uint32_t, std::uint32_t>, std::map<std::uint32_t, std::uint32_t>> with;
        for (const auto& [leaf, spines] : cables_to_) {
            const auto root = like_.root(leaf);
            ++leaves[root];
            for (auto [spine, cables] : spines) ++with[{root, spine}][cables];
        }
        for (auto& [place, leaves_with] : with) {
            auto without = leaves.at(place.first);
            for (auto [cables, count] : leaves_with) without -= count;
            if (without > 0) leaves_with[0] = without;
            if (auto usual = most_frequent(leaves_with); usual > 0)
                usual_to_[place.first].emplace_back(place.second, usual);
        }
    }
    void look_at_spines_of(std::uint32_t leaf) {
        std::uint32_t expected = 0;
        std::vector<std::string> fewer;
        for (auto [spine, usual] : usual_to_[like_.root(leaf)]) {
            expected += usual;
            if (cables_to_[leaf][spine] < usual) fewer.push_back(name_of(spine));
        }
        if (up_[leaf] >= expected) return look_for_misplugged(leaf, fewer);
        out_.push_back({{.id = "uplinks-uneven",
                         .level = Level::warn,
                         .where = name_of(leaf),
                         .seen = fmt::format("has {} cable{} up, and fewer to {} than most leaves that share "
                                             "its spines",
                                             up_[leaf], up_[leaf] == 1 ? "" : "s", examples(fewer)),
                         .expected = std::to_string(expected)},
                        std::max(1.0, usual_gbps_[0]) * (expected - up_[leaf])});
    }

    /// As many cables as it should have, but not to the spines that nearly all leaves like it have them to.
    void look_for_misplugged(std::uint32_t leaf, const std::vector<std::string>& fewer) {
        if (fewer.empty() || !are_few_odd(like_.root(leaf))) return;
        std::map<std::uint32_t, std::uint32_t> usual_to;
        for (auto [spine, usual] : usual_to_[like_.root(leaf)]) usual_to[spine] = usual;
        std::vector<std::string> more;
        for (auto [spine, cables] : cables_to_[leaf])
            if (cables > usual_to[spine]) more.push_back(name_of(spine));
        if (more.empty()) return;
        out_.push_back(
            {{.id = "uplinks-uneven",
              .level = Level::warn,
              .where = name_of(leaf),
              .seen = fmt::format("has more cables to {} and fewer to {} than most leaves that share "
                                  "its spines",
                                  examples(more), examples(fewer)),
              .next = "look where these are plugged in"},
             std::max(1.0, usual_gbps_[0]) * static_cast<double>(fewer.size())});
    }

    /// Of the leaves that share spines, those whose cables lead otherwise than most's: else it is a shape.
    bool are_few_odd(std::uint32_t root) {
        auto [at, is_new] = few_odd_.try_emplace(root, false);
        if (!is_new) return at->second;
        std::size_t leaves = 0, odd = 0;
        std::map<std::uint32_t, std::uint32_t> usual_to;
        for (auto [spine, usual] : usual_to_[root]) usual_to[spine] = usual;
        for (const auto& [leaf, spines] : cables_to_) {
            if (like_.root(leaf) != root) continue;
            ++leaves;
            odd += spines == usual_to ? 0 : 1;
        }
        return at->second = odd * rare <= leaves;
    }

    /// Where nothing is above leaves, and all but few of them have as many cables to others.
    void look_between_leaves() {
        std::map<std::uint32_t, std::uint32_t> across, leaves_with; // leaf -> cables -> leaves
        std::map<std::uint32_t, std::uint32_t> rates;
        for (const auto& link : fabric_.links) {
            if (!fabric_.joins_switches(link)) continue;
            if (level_[link.a] != 0 || level_[link.b] != 0) return;
            ++across[link.a];
            ++across[link.b];
            ++rates[link.rate.gbps_x10()];
        }
        for (auto [leaf, cables] : across) ++leaves_with[cables];
        if (leaves_with.empty()) return;
        const auto usual = most_frequent(leaves_with); // a cable in the wrong leaf gives that one more
        // A lost cable has two ends; more than that is a shape.
        const auto odd = across.size() - leaves_with.at(usual);
        if (odd * rare > across.size() || (odd > 2 && odd * very_rare > across.size())) return;
        const auto each = std::max(1.0, most_frequent(rates) / 10.0);
        for (auto [leaf, cables] : across)
            if (auto group = map_.grouping.of_switch[leaf];
                cables < usual && (group == none || has_wanted(map_.groups[group], hosts_)))
                out_.push_back(
                    {{.id = "uplinks-uneven",
                      .level = Level::warn,
                      .where = name_of(leaf),
                      .seen = fmt::format("has {} cable{} to other leaves", cables, cables == 1 ? "" : "s"),
                      .expected = fmt::format("{}, as most leaves have", usual)},
                     each * (usual - cables)});
    }

    /// First against those that join the same unit; then, where few are odd, against all of their level.
    void look_above() {
        using Place =
            std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>; // level, fabric, unit that it joins
        std::map<Place, std::vector<std::uint32_t>> of_unit, of_level;
        auto fabrics = islands_of(fabric_);
        for (std::uint32_t device = 0; device < up_.size(); ++device) {
            auto level = level_[device], group = group_below_[device];
            if (level == none || level == 0 || group == none) continue;
            auto fabric = fabrics.root(device);
            of_level[{level, fabric, 0}].push_back(device);
            if (level <= map_.tiers.size())
                of_unit[{level, fabric, map_.tiers[level - 1].of_group[group]}].push_back(device);
        }
        std::set<std::uint32_t> told;
        auto compare = [&](const std::vector<std::uint32_t>& devices, std::size_t one_of,
                           const std::string& others) {
            std::map<std::uint32_t, std::uint32_t> with;
            for (auto device : devices) ++with[up_[device]];
            auto usual = most_frequent(with);
            auto is_odd = [&](std::uint32_t device) { return up_[device] < usual; };
            auto odd = static_cast<std::size_t>(std::count_if(devices.begin(), devices.end(), is_odd));
            if (odd * one_of > devices.size()) return;
            for (auto device : devices)
                if (is_odd(device) && told.insert(device).second) say_uneven(device, usual, others);
        };
        for (const auto& [place, devices] : of_unit)
            compare(devices, 2,
                    "switches that join " + map_.tiers[std::get<0>(place) - 1].names[std::get<2>(place)]);
        for (const auto& [place, devices] : of_level) compare(devices, rare, "switches of its level");
    }

    /// A switch that the source describes and that nothing is cabled to.
    void look_at_bare_switches() {
        std::vector<bool> is_cabled(fabric_.devices.size());
        for (const auto& link : fabric_.links) is_cabled[link.a] = is_cabled[link.b] = true;
        for (std::uint32_t device = 0; device < is_cabled.size(); ++device)
            if (fabric_.is_switch(device) && !is_cabled[device])
                out_.push_back({{.id = "switch-unplugged",
                                 .level = Level::warn,
                                 .where = name_of(device),
                                 .seen = "has no cable at all",
                                 .next = "look at its cables, or leave it out"},
                                1});
    }

    /// Of the switch in the middle of each level but the highest.
    void look_at_bandwidth() {
        std::vector<bool> is_hosts(fabric_.devices.size());
        for (const auto& port : hosts_.ports) is_hosts[port.adapter] = true;
        std::vector<double> up(fabric_.devices.size()), down(fabric_.devices.size());
        for (const auto& link : fabric_.links)
            for (auto [one, other] : {std::pair(link.a, link.b), std::pair(link.b, link.a)}) {
                const auto gbps = link.rate.gbps_x10() / 10.0;
                if (is_up(one, other) || (level_[one] == 0 && fabric_.is_switch(other))) up[one] += gbps;
                if (is_hosts[other] || is_up(other, one)) down[one] += gbps;
            }
        std::map<std::uint32_t, std::vector<double>> ratios; // by level
        for (std::size_t device = 0; device < up.size(); ++device)
            if (up[device] > 0 && group_below_[device] != none)
                ratios[level_[device]].push_back(down[device] / up[device]);
        for (auto& [level, of_level] : ratios) {
            auto middle = of_level.begin() + static_cast<std::ptrdiff_t>(of_level.size() / 2);
            std::nth_element(of_level.begin(), middle, of_level.end());
            if (*middle <= most_even) continue;
            auto which = level == 0 ? "leaves" : level == 1 ? "switches above leaves" : "switches further up";
            out_.push_back(
                {{.id = "oversubscribed",
                  .level = Level::info,
                  .thing = fmt::format("half of the {}", which),
                  .seen = fmt::format("have {:.1f} times as much bandwidth down as up, or more", *middle)},
                 0});
        }
    }

    const Fabric& fabric_;
    const SwitchLabels labels_{fabric_};
    const Hosts& hosts_;
    const RailMap& map_;
    std::vector<std::uint32_t> level_;       ///< by device; `none`: no switch above leaves
    std::vector<std::uint32_t> group_below_; ///< by device: a group that it joins
    std::vector<std::uint32_t> up_;          ///< by device: cables to the next level
    std::map<std::uint32_t, double> usual_gbps_;
    std::map<std::uint32_t, std::map<std::uint32_t, std::uint32_t>> cables_to_; ///< leaf -> spine -> cables
    DisjointSets like_{0};                                                      ///< leaves that share spines
    std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::uint32_t>>>
        usual_to_; ///< root of these -> spines, and the cables that most have to each
    std::map<std::uint32_t, bool> few_odd_, built_so_; ///< by root; by group
    std::vector<CablingFinding> out_;
};

} // namespace

std::vector<CablingFinding> uplink_findings(const Fabric& fabric, const Hosts& hosts, const RailMap& map) {
    return Uplinks(fabric, hosts, map).findings();
}

} // namespace railhead::topology
