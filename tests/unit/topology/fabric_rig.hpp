#pragma once
#include "topology/cabling.hpp"
#include "topology/rail_map.hpp"
#include "topology/readers.hpp"
#include "topology/switch_tree.hpp"
#include "topology/synth.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <map>
#include <set>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RAILHEAD_TEST_IS_SANITIZED
#endif
#endif

namespace railhead::topology {

#ifdef RAILHEAD_TEST_IS_SANITIZED
/// Of many fabrics alike one in five: a sanitizer looks at the code, which is the same for all, and takes ten
/// times as long; what comes out is held without it.
constexpr std::uint32_t one_in = 5;
#else
constexpr std::uint32_t one_in = 1;
#endif

/// The fabric with one more adapter, cabled to a switch that synth calls so.
inline std::string with_adapter(std::string text, const std::string& description,
                                const std::string& switch_name) {
    static std::uint64_t guid = 0xaa00;
    const auto port = 200 + ++guid % 50; // of no other cable
    const auto at = text.find("# \"MF0;" + switch_name + ":MQM8700/U1\" enhanced");
    EXPECT_NE(at, text.npos) << switch_name;
    const auto box = text.rfind("Switch\t", at), name = text.find("\"S-", box);
    const auto its = text.substr(name, text.find('"', name + 1) + 1 - name);
    text.insert(text.find('\n', at) + 1, fmt::format("[{}] \t\"H-{:016x}\"[1](ab) \t\t# \"{}\" lid 1 4xHDR\n",
                                                     port, guid, description));
    return text + fmt::format("\nvendid=0x2c9\nCa\t1 \"H-{0:016x}\"\t\t# \"{1}\"\n"
                              "[1](ab) \t{2}[{3}]\t\t# lid 1 lmc 0 \"x\" lid 1 4xHDR\n",
                              guid, description, its, port);
}

/// A fabric, or its text read, and mapped.
struct Mapped {
    Fabric fabric;
    Hosts hosts;
    RailMap map;

    explicit Mapped(const std::string& text, const Naming& naming = {}) {
        auto read = read_ibnetdiscover(Text(text));
        EXPECT_TRUE(read) << sentence(read.error());
        if (read) take(std::move(*read), naming);
    }
    explicit Mapped(Fabric built) { take(std::move(built), {}); }
    explicit Mapped(const Synth& wanted, const Naming& naming = {}) : Mapped(*synthesize(wanted), naming) {}

    void take(Fabric whole, const Naming& naming) {
        fabric = std::move(whole);
        hosts = hosts_of(fabric, naming);
        map = rail_map_of(fabric, hosts);
    }

    /// The nodes of each group, by its name.
    std::map<std::string, std::set<std::string>> groups() const {
        std::map<std::string, std::set<std::string>> found;
        for (const auto& group : map.groups)
            for (auto host : group.hosts) found[group.name].emplace(hosts.hosts[host].name);
        return found;
    }
    std::vector<CablingFinding> cabling() const { return cabling_findings(fabric, hosts, map); }
    /// What that says, "host: seen [id]", the dearest first.
    std::vector<std::string> findings() const {
        std::vector<std::string> found;
        for (const auto& [finding, cost] : cabling())
            found.push_back(sentence(finding) + " [" + finding.id + "]");
        return found;
    }
    std::string conf(const TreeOptions& options = {}) const {
        return topology_conf(switch_tree_of(hosts, map, options));
    }
};

/// Of a cabling plan as CSV.
inline Mapped of_plan(const std::string& plan) {
    auto read = read_inventory_file(Text(plan));
    EXPECT_TRUE(read) << sentence(read.error());
    return Mapped(read ? std::move(*read) : Fabric());
}

} // namespace railhead::topology
