#include "topology/leaf_switches.hpp"

#include "topology/natural.hpp"

#include <algorithm>
#include <set>

namespace railhead::topology {
namespace {

/// What the leaf of the host in the middle holds: the few small leaves at the edge of a cluster do not
/// matter.
std::uint32_t usual_hosts(const Hosts& hosts, const std::vector<std::uint32_t>& hosts_on) {
    std::vector<std::uint32_t> sizes;
    for (const auto& port : hosts.ports) sizes.push_back(hosts_on[port.leaf]);
    if (sizes.empty()) return 0;
    auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
    std::nth_element(sizes.begin(), middle, sizes.end());
    return *middle;
}

/// By device: it has few hosts, and among them a node, that is one named like hosts of switches with more,
/// which is on no such switch.
std::vector<bool> switches_with_nodes(const Hosts& hosts, const std::vector<bool>& has_few) {
    std::vector<bool> found(has_few.size());
    std::set<std::string_view> of_nodes;
    std::vector<const Host*> others;
    for (const auto& host : hosts.hosts) {
        const auto* first = hosts.ports.data() + host.first;
        if (std::any_of(first, first + host.count, [&](const auto& port) { return !has_few[port.leaf]; }))
            of_nodes.insert(name_stem(host.name));
        else
            others.push_back(&host);
    }
    for (const auto* host : others)
        if (of_nodes.contains(name_stem(host->name)))
            for (auto i = host->first; i < host->first + host->count; ++i) found[hosts.ports[i].leaf] = true;
    return found;
}

/// Goes from the leaves that hold many hosts upwards, and joins on its way what cables join.
class Climb {
  public:
    Climb(const Fabric& fabric, std::vector<bool> is_leaf, const std::vector<bool>& has_few,
          const std::vector<bool>& has_nodes)
        : neighbours_(fabric.devices.size(),
                      [&](auto add) {
                          for (const auto& link : fabric.links)
                              if (fabric.joins_switches(link)) {
                                  add(link.a, link.b);
                                  add(link.b, link.a);
                              }
                      }),
          parts_(fabric.devices.size()), is_below_(fabric.devices.size()), is_leaf_(std::move(is_leaf)),
          has_few_(has_few), has_nodes_(has_nodes) {}

    std::vector<bool> leaves() {
        std::vector<std::uint32_t> level;
        for (std::uint32_t device = 0; device < is_leaf_.size(); ++device)
            if (is_leaf_[device] && !has_few_[device]) level.push_back(device);
        while (!level.empty()) {
            for (auto device : level) is_below_[device] = true;
            for (auto device : level)
                for (auto other : neighbours_[device])
                    if (is_below_[other]) parts_.join(device, other);
            level = above(level);
            for (auto device : level)
                if (has_few_[device] && joins_others(device) &&
                    (!has_nodes_[device] || has_like(device, level)))
                    is_leaf_[device] = false;
        }
        return std::move(is_leaf_);
    }

  private:
    std::vector<std::uint32_t> above(const std::vector<std::uint32_t>& level) const {
        std::vector<std::uint32_t> found;
        for (auto device : level)
            for (auto other : neighbours_[device])
                if (!is_below_[other]) found.push_back(other);
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found;
    }

    /// What it joins, by the roots of the parts.
    std::set<std::uint32_t> below(std::uint32_t device) {
        std::set<std::uint32_t> found;
        for (auto other : neighbours_[device])
            if (is_below_[other]) found.insert(parts_.root(other));
        return found;
    }
    bool joins_others(std::uint32_t device) { return below(device).size() > 1; }

    /// Another one on its level, without nodes, joins two of the same.
    bool has_like(std::uint32_t device, const std::vector<std::uint32_t>& level) {
        const auto own = below(device);
        return std::any_of(level.begin(), level.end(), [&](std::uint32_t other) {
            if (other == device || has_nodes_[other]) return false;
            const auto its = below(other);
            return std::count_if(its.begin(), its.end(), [&](auto part) { return own.contains(part); }) > 1;
        });
    }

    Lists neighbours_;
    DisjointSets parts_;
    std::vector<bool> is_below_, is_leaf_;
    const std::vector<bool>&has_few_, &has_nodes_;
};

} // namespace

bool are_few(std::size_t hosts, std::size_t others) {
    constexpr std::size_t always_few = 2, one_of = 8;
    return hosts * 2 <= others && (hosts <= always_few || hosts * one_of <= others);
}

std::vector<bool> leaf_switches(const Fabric& fabric, const Hosts& hosts,
                                const std::vector<std::uint32_t>& hosts_on) {
    const auto usual = usual_hosts(hosts, hosts_on);
    std::vector<bool> is_leaf(hosts_on.size()), has_few(hosts_on.size());
    bool is_any = false;
    for (std::size_t device = 0; device < hosts_on.size(); ++device) {
        is_leaf[device] = hosts_on[device] > 0;
        has_few[device] = is_leaf[device] && are_few(hosts_on[device], usual);
        is_any = is_any || has_few[device];
    }
    if (!is_any) return is_leaf;
    const auto has_nodes = switches_with_nodes(hosts, has_few);
    return Climb(fabric, std::move(is_leaf), has_few, has_nodes).leaves();
}

} // namespace railhead::topology
