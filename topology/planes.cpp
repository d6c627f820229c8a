#include "topology/planes.hpp"

#include "topology/natural.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace railhead::topology {
namespace {

/// What most cables of hosts have at each place, in tenths of Gbit/s; `place_of` a switch.
std::vector<std::uint32_t> usual_speeds(const Fabric& fabric, const Hosts& hosts,
                                        const std::vector<std::uint32_t>& place_of) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> cables; // place, speed -> cables
    for (const auto& port : hosts.ports)
        if (auto speed = fabric.links[port.link].rate.gbps_x10(); speed > 0)
            ++cables[{place_of[port.leaf], speed}];
    std::vector<std::uint32_t> most(place_of.size()), usual(place_of.size());
    for (const auto& [key, count] : cables)
        if (count >= most[key.first]) {
            most[key.first] = count;
            usual[key.first] = key.second;
        }
    return usual;
}

/// Marks leaves that are much slower than what most of their hosts have elsewhere.
void find_slow_leaves(const Fabric& fabric, const Hosts& hosts, std::vector<bool>& aside) {
    std::uint32_t slowest = UINT32_MAX, fastest = 0;
    for (const auto& port : hosts.ports)
        if (auto speed = fabric.links[port.link].rate.gbps_x10(); speed > 0) {
            slowest = std::min(slowest, speed);
            fastest = std::max(fastest, speed);
        }
    if (fastest == 0 || fastest / rail_to_management < slowest) return;
    std::vector<std::uint32_t> itself(fabric.devices.size());
    std::iota(itself.begin(), itself.end(), 0U);
    const auto speed = usual_speeds(fabric, hosts, itself);
    std::vector<std::uint32_t> cables(speed.size()), of_fast(speed.size()); // by leaf; those of such hosts
    for (const auto& host : hosts.hosts) {
        const auto* first = hosts.ports.data() + host.first;
        std::uint32_t best = 0;
        for (const auto* port = first; port != first + host.count; ++port)
            best = std::max(best, speed[port->leaf]);
        for (const auto* port = first; port != first + host.count; ++port) {
            ++cables[port->leaf];
            if (best / rail_to_management >= speed[port->leaf]) ++of_fast[port->leaf];
        }
    }
    for (std::size_t leaf = 0; leaf < aside.size(); ++leaf)
        if (speed[leaf] > 0 && of_fast[leaf] * 2 > cables[leaf]) aside[leaf] = true;
}

/// Of each host the unit that its first leaf of a source is in; `none`: it has none there.
std::vector<std::uint32_t> units_in(const Fabric& fabric, const Hosts& hosts, std::size_t source) {
    std::vector<std::uint32_t> last(fabric.devices.size(), none), first(hosts.hosts.size(), none);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> on; // leaf, host
    for (const auto& port : hosts.ports) {
        if (fabric.source_of(port.leaf) != source) continue;
        if (first[port.host] == none) first[port.host] = port.leaf;
        if (std::exchange(last[port.leaf], port.host) != port.host) on.emplace_back(port.leaf, port.host);
    }
    const Lists members(fabric.devices.size(), [&](auto add) {
        for (auto [leaf, host] : on) add(leaf, host);
    });
    const Lists leaves(hosts.hosts.size(), [&](auto add) {
        for (auto [leaf, host] : on) add(host, leaf);
    });
    auto units = join_coinciding(members, leaves);
    for (auto& leaf : first)
        if (leaf != none) leaf = units.root(leaf);
    return first;
}

/// What hosts have on a fabric that no cable joins with others.
struct Share {
    std::uint32_t island, cables; ///< the island by its root
};

class Islands {
  public:
    Islands(const Fabric& fabric, const Hosts& hosts)
        : hosts_(hosts), root_(fabric.devices.size()), has_servers_(root_.size()) {
        auto islands = islands_of(fabric);
        for (std::uint32_t device = 0; device < root_.size(); ++device) root_[device] = islands.root(device);
        speed_ = usual_speeds(fabric, hosts, root_);
        find_servers();
    }

    /// By root: most of its hosts are on a better one, too.
    std::vector<bool> aside() const {
        std::vector<std::uint32_t> on(root_.size()), on_better(root_.size()); // hosts
        for (const auto& host : hosts_.hosts) {
            const auto shares = shares_of(host);
            for (const auto& share : shares) {
                ++on[share.island];
                if (std::any_of(shares.begin(), shares.end(),
                                [&](const Share& other) { return is_better(other, share); }))
                    ++on_better[share.island];
            }
        }
        std::vector<bool> found;
        for (std::size_t island = 0; island < on.size(); ++island)
            found.push_back(on_better[island] * 2 > on[island]);
        return found;
    }
    std::uint32_t root(std::uint32_t device) const { return root_[device]; }

  private:
    /// On it alone, and named otherwise than those on several.
    void find_servers() {
        std::set<std::string_view> of_several;
        std::vector<std::pair<std::string_view, std::uint32_t>> of_one;
        for (const auto& host : hosts_.hosts) {
            const auto shares = shares_of(host);
            if (shares.size() > 1) of_several.insert(name_stem(host.name));
            if (shares.size() == 1) of_one.emplace_back(name_stem(host.name), shares.front().island);
        }
        for (auto [stem, island] : of_one)
            if (!of_several.contains(stem)) has_servers_[island] = true;
    }

    std::vector<Share> shares_of(const Host& host) const {
        std::vector<Share> shares;
        for (auto i = host.first; i < host.first + host.count; ++i) {
            auto island = root_[hosts_.ports[i].leaf];
            auto at = std::find_if(shares.begin(), shares.end(),
                                   [&](const Share& share) { return share.island == island; });
            if (at == shares.end())
                shares.push_back({island, 1});
            else
                ++at->cables;
        }
        return shares;
    }

    bool is_better(const Share& one, const Share& other) const {
        const auto mine = speed_[one.island], its = speed_[other.island];
        if (mine > its && its > 0) return true;
        return mine == its && one.cables > other.cables && has_servers_[other.island] &&
               !has_servers_[one.island];
    }

    const Hosts& hosts_;
    std::vector<std::uint32_t> root_, speed_; ///< by device, and by root
    std::vector<bool> has_servers_;           ///< by root
};

} // namespace

std::size_t main_source(const Fabric& fabric, const Hosts& hosts) {
    const auto sources = fabric.first_of_source.size();
    if (sources < 2) return sources;
    std::vector<std::size_t> cables(sources + 1); // sources count from 1
    for (const auto& port : hosts.ports) ++cables[fabric.source_of(port.leaf)];
    std::size_t most = 1;
    for (std::size_t source = 2; source <= sources; ++source)
        if (cables[source] * 3 > cables[most] * 4) most = source;
    return most;
}

std::vector<std::size_t> sources_aside(const Fabric& fabric, const Hosts& hosts) {
    const auto sources = fabric.first_of_source.size();
    if (sources < 2) return {};
    const auto first = main_source(fabric, hosts);
    const auto unit_of = units_in(fabric, hosts, first);
    using Unit = std::pair<std::size_t, std::uint32_t>;
    std::map<Unit, std::size_t> hosts_in;                             // source and unit of the first one
    std::map<std::uint32_t, std::map<std::uint32_t, std::size_t>> on; // other leaf -> unit -> hosts
    std::vector<std::uint32_t> last_on(fabric.devices.size(), none), last_in(sources + 1, none);
    for (const auto& port : hosts.ports) {
        const auto source = fabric.source_of(port.leaf);
        const auto unit = unit_of[port.host];
        if (unit == none || source == first) continue;
        if (std::exchange(last_on[port.leaf], port.host) != port.host) ++on[port.leaf][unit];
        if (std::exchange(last_in[source], port.host) != port.host) ++hosts_in[{source, unit}];
    }
    std::vector<std::size_t> all(sources + 1), alike(sources + 1); // hosts on leaves
    for (const auto& [leaf, units] : on) {
        const auto source = fabric.source_of(leaf);
        std::size_t sum = 0;
        for (const auto& [unit, count] : units) sum += count;
        all[source] += sum;
        for (const auto& [unit, count] : units)
            if (mostly_coincide(sum, hosts_in.at({source, unit}), count)) alike[source] += sum;
    }
    std::vector<std::size_t> found;
    for (std::size_t source = 1; source <= sources; ++source)
        if (alike[source] * 4 <= all[source] * 3 && all[source] > 0) found.push_back(source - 1);
    return found;
}

std::vector<bool> leaves_aside(const Fabric& fabric, const Hosts& hosts) {
    const Islands islands(fabric, hosts);
    const auto is_aside = islands.aside();
    std::vector<std::uint32_t> switches(fabric.devices.size()); // of one alone nothing tells what it is
    for (std::uint32_t device = 0; device < switches.size(); ++device) ++switches[islands.root(device)];
    std::vector<bool> aside(switches.size());
    for (std::uint32_t device = 0; device < aside.size(); ++device)
        aside[device] =
            fabric.is_switch(device) && switches[islands.root(device)] > 1 && is_aside[islands.root(device)];
    find_slow_leaves(fabric, hosts, aside);
    for (auto source : sources_aside(fabric, hosts))
        for (auto device = fabric.first_of_source[source];
             device < aside.size() && fabric.source_of(device) == source + 1; ++device)
            aside[device] = fabric.is_switch(device);
    return aside;
}

} // namespace railhead::topology
