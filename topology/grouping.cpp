#include "topology/grouping.hpp"

#include "topology/natural.hpp"
#include "topology/planes.hpp"

#include <algorithm>

namespace railhead::topology {
namespace {

/// A spine's few strays against the hosts of a leaf.
constexpr std::uint32_t stray_factor = 8;

class Grouper {
  public:
    Grouper(const Fabric& fabric, const Hosts& hosts)
        : fabric_(fabric), hosts_(hosts),
          on_leaf_(fabric.devices.size(), [&](auto add) { each_host_on_leaf(add); }),
          aside_(leaves_aside(fabric, hosts)) {
        out_.of_host.assign(hosts.hosts.size(), none);
        out_.of_switch.assign(fabric.devices.size(), none);
        out_.is_leaf.assign(fabric.devices.size(), false);
        for (std::size_t i = 0; i < on_leaf_.size(); ++i) {
            out_.hosts_on.push_back(static_cast<std::uint32_t>(on_leaf_[i].size()));
            out_.is_leaf[i] = on_leaf_[i].size() > 0;
        }
    }

    Grouping grouping() {
        drop_spines();
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
        auto units = join_coinciding(on_leaf_, leaves_of);
        hosts_choose(units);
        leaves_choose();
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

    void drop_spines() {
        // The size of the leaf that the host in the middle is on: the few small leaves at the edge of a
        // cluster do not matter.
        std::vector<std::uint32_t> sizes;
        for (const auto& port : hosts_.ports) sizes.push_back(out_.hosts_on[port.leaf]);
        if (sizes.empty()) return;
        auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
        std::nth_element(sizes.begin(), middle, sizes.end());
        auto is_small = [&](std::uint32_t device) { return out_.hosts_on[device] * stray_factor <= *middle; };
        std::vector<std::uint32_t> to_leaves(fabric_.devices.size()), to_switches(fabric_.devices.size());
        for (const auto& link : fabric_.links)
            for (auto [one, other] : {std::pair(link.a, link.b), std::pair(link.b, link.a)}) {
                if (fabric_.devices[other].kind != DeviceKind::network_switch) continue;
                ++to_switches[one];
                if (!is_small(other)) ++to_leaves[one];
            }
        for (std::size_t i = 0; i < out_.is_leaf.size(); ++i)
            if (out_.is_leaf[i] && is_small(static_cast<std::uint32_t>(i)) &&
                to_leaves[i] * 2 > to_switches[i])
                out_.is_leaf[i] = false;
    }

    template <class Do>
    void each_leaf_of(std::uint32_t host, Do what) const {
        const auto& all = hosts_.hosts[host];
        for (auto i = all.first; i < all.first + all.count; ++i)
            if (out_.is_leaf[hosts_.ports[i].leaf] && counts(hosts_.ports[i].leaf, host))
                what(hosts_.ports[i]);
    }

    void hosts_choose(DisjointSets& units) {
        std::vector<std::uint32_t> number(fabric_.devices.size(), none), hosts_in(fabric_.devices.size()),
            leaves_in(fabric_.devices.size());
        for (std::uint32_t leaf = 0; leaf < on_leaf_.size(); ++leaf)
            if (out_.is_leaf[leaf]) {
                hosts_in[units.root(leaf)] = std::max(hosts_in[units.root(leaf)], out_.hosts_on[leaf]);
                ++leaves_in[units.root(leaf)];
            }
        // With as many cables in each, the one of more rails is the closer one, then one of clearly fewer
        // hosts.
        auto is_worse = [&](const Choice& one, const Choice& other) {
            if (one.cables != other.cables) return one.cables < other.cables;
            if (leaves_in[one.unit] != leaves_in[other.unit])
                return leaves_in[one.unit] < leaves_in[other.unit];
            return hosts_in[one.unit] * 3 > hosts_in[other.unit] * 4;
        };
        std::vector<std::vector<std::uint32_t>> tied(hosts_.hosts.size());
        std::vector<std::uint32_t> unit_of(hosts_.hosts.size(), none);
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host) {
            const auto choices = choices_of(host, units);
            if (choices.empty()) continue;
            auto best = choices.front();
            for (const auto& choice : choices)
                if (is_worse(best, choice)) best = choice;
            unit_of[host] = best.unit;
            for (const auto& choice : choices)
                if (choice.unit != best.unit && !is_worse(choice, best)) tied[host].push_back(choice.unit);
        }
        follow_neighbours(tied, unit_of);
        for (std::uint32_t host = 0; host < hosts_.hosts.size(); ++host) {
            if (unit_of[host] == none) continue;
            if (number[unit_of[host]] == none) number[unit_of[host]] = out_.groups++;
            out_.of_host[host] = number[unit_of[host]];
        }
    }

    struct Choice {
        std::uint32_t unit, cables;
    };
    /// The units that the host has cables in, in the order of its devices.
    std::vector<Choice> choices_of(std::uint32_t host, DisjointSets& units) const {
        std::vector<Choice> choices;
        each_leaf_of(host, [&](const HostPort& port) {
            auto unit = units.root(port.leaf);
            auto at = std::find_if(choices.begin(), choices.end(),
                                   [&](auto& choice) { return choice.unit == unit; });
            if (at == choices.end())
                choices.push_back({unit, 1});
            else
                ++at->cables;
        });
        return choices;
    }

    /// A host as close to one unit as to another is in that of the hosts before or behind it by name; else
    /// its first device decides.
    static void follow_neighbours(const std::vector<std::vector<std::uint32_t>>& tied,
                                  std::vector<std::uint32_t>& unit_of) {
        const auto decided = unit_of;
        for (std::size_t host = 0; host < tied.size(); ++host) {
            if (tied[host].empty()) continue;
            for (auto neighbour : {host - 1, host + 1}) {
                if (neighbour >= tied.size() || !tied[neighbour].empty())
                    continue; // -1 is beyond the end, too
                auto its = decided[neighbour];
                if (its == unit_of[host]) break;
                if (std::find(tied[host].begin(), tied[host].end(), its) == tied[host].end()) continue;
                unit_of[host] = its;
                break;
            }
        }
    }

    void leaves_choose() {
        std::vector<std::uint32_t> count(out_.groups), size(out_.groups);
        for (auto group : out_.of_host)
            if (group != none) ++size[group];
        for (std::uint32_t leaf = 0; leaf < on_leaf_.size(); ++leaf) {
            if (!out_.is_leaf[leaf] || aside_[leaf]) continue;
            for (auto host : on_leaf_[leaf]) ++count[out_.of_host[host]];
            for (auto host : on_leaf_[leaf]) {
                auto group = out_.of_host[host];
                if (count[group] * 2 > out_.hosts_on[leaf]) out_.of_switch[leaf] = group;
            }
            for (auto host : on_leaf_[leaf]) {
                auto group = out_.of_host[host];
                if (group != out_.of_switch[leaf] && size[group] > 1 && count[group] * 2 > size[group])
                    out_.of_switch[leaf] = none; // the other's, too
            }
            for (auto host : on_leaf_[leaf]) count[out_.of_host[host]] = 0;
        }
        find_stands();
    }

    void find_stands() {
        out_.stands_on.assign(out_.groups, none);
        std::vector<bool> has_leaf(out_.groups);
        for (auto group : out_.of_switch)
            if (group != none) has_leaf[group] = true;
        for (std::uint32_t leaf = 0; leaf < on_leaf_.size(); ++leaf)
            for (auto host : on_leaf_[leaf])
                if (auto group = out_.of_host[host]; !has_leaf[group] && out_.stands_on[group] == none)
                    out_.stands_on[group] = leaf;
    }

    const Fabric& fabric_;
    const Hosts& hosts_;
    Lists on_leaf_;
    std::vector<bool> aside_, inner_;
    Grouping out_;
};

} // namespace

Grouping group_by_rails(const Fabric& fabric, const Hosts& hosts) {
    return Grouper(fabric, hosts).grouping();
}

} // namespace railhead::topology
