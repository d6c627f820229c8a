#include "topology/rail_kinds.hpp"

#include "topology/natural.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace railhead::topology {
namespace {

constexpr std::uint32_t least_kind = 3; ///< nodes; of fewer the odd one cannot be told

} // namespace

RailKinds::RailKinds(const Hosts& hosts, const RailMap& map, std::vector<bool> is_full)
    : is_full_(std::move(is_full)), of_host_(hosts.hosts.size(), none) {
    std::map<std::uint32_t, std::string_view> rail_of; // leaf -> its rail
    for (const auto& group : map.groups)
        for (const auto& rail : group.rails)
            for (auto leaf : rail.switches) rail_of.emplace(leaf, rail.device);
    std::map<std::tuple<std::uint32_t, std::string_view, std::uint32_t>, std::uint32_t> numbers;
    for (std::uint32_t host = 0; host < of_host_.size(); ++host) {
        const auto& its = hosts.hosts[host];
        const auto group = map.grouping.of_host[host];
        if (group == none || its.is_double) continue;
        const auto next = static_cast<std::uint32_t>(kinds_.size());
        auto [at, is_new] = numbers.try_emplace({group, name_stem(its.name), its.adapters}, next);
        if (is_new) kinds_.emplace_back();
        auto& kind = kinds_[of_host_[host] = at->second];
        ++kind.hosts;
        std::set<Kind::Place> others;
        for (auto i = its.first; i < its.first + its.count; ++i) {
            const auto& port = hosts.ports[i];
            const auto at_group = map.grouping.of_switch[port.leaf];
            if (at_group == group) ++kind.cables[port.device][rail_of.at(port.leaf)];
            if (at_group != none && at_group != group) others.emplace(at_group, port.device);
        }
        for (const auto& other : others) ++kind.hosts_on[other];
    }
}

const RailKinds::Kind* RailKinds::kind_of(std::uint32_t host) const {
    if (of_host_[host] == none || kinds_[of_host_[host]].hosts < least_kind) return nullptr;
    return &kinds_[of_host_[host]];
}

bool RailKinds::are_mostly_on(std::uint32_t host, std::uint32_t group, std::string_view device) const {
    if (of_host_[host] == none) return false;
    const auto& kind = kinds_[of_host_[host]];
    const auto on = kind.hosts_on.find({group, device});
    return on != kind.hosts_on.end() && on->second > 1 && on->second * 2 > kind.hosts;
}

std::string_view RailKinds::rail_for(std::uint32_t host, std::string_view device) const {
    const auto* kind = kind_of(host);
    if (!kind) return is_full_[host] ? device : std::string_view();
    const auto found = kind->cables.find(device);
    if (found == kind->cables.end()) return {};
    std::uint32_t all = 0;
    for (const auto& [rail, cables] : found->second) all += cables;
    for (const auto& [rail, cables] : found->second)
        if (cables * 2 > all) return rail;
    return is_full_[host] ? device : std::string_view();
}

std::string_view RailKinds::device_on(std::uint32_t host, std::string_view rail) const {
    if (const auto* kind = kind_of(host))
        for (const auto& [device, cables] : kind->cables)
            if (rail_for(host, device) == rail) return device;
    return rail;
}

} // namespace railhead::topology
