#pragma once
#include "topology/rail_map.hpp"
#include "topology/readers.hpp"
#include "topology/switch_tree.hpp"
#include "topology/synth.hpp"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace railhead::topology {

/// A fabric's text read and mapped.
struct Mapped {
    Fabric fabric;
    Hosts hosts;
    RailMap map;

    explicit Mapped(const std::string& text, const Naming& naming = {}) {
        auto read = read_ibnetdiscover(Text(text));
        EXPECT_TRUE(read) << sentence(read.error());
        if (!read) return;
        fabric = std::move(*read);
        hosts = hosts_of(fabric, naming);
        map = rail_map_of(fabric, hosts);
    }
    explicit Mapped(const Synth& wanted, const Naming& naming = {}) : Mapped(*synthesize(wanted), naming) {}

    /// The nodes of each group, by its name.
    std::map<std::string, std::set<std::string>> groups() const {
        std::map<std::string, std::set<std::string>> found;
        for (const auto& group : map.groups)
            for (auto host : group.hosts) found[group.name].emplace(hosts.hosts[host].name);
        return found;
    }
    std::string conf(const TreeOptions& options = {}) const {
        return topology_conf(switch_tree_of(hosts, map, options));
    }
};

} // namespace railhead::topology
