#include "topology/wanted.hpp"

#include "tests/unit/topology/fabric_rig.hpp"
#include "topology/burn_in.hpp"
#include "topology/cabling.hpp"

#include <random>

using namespace railhead::topology;
using testing::AnyOf;
using testing::IsEmpty;

namespace {

Synth with_faults(std::uint64_t seed) {
    return {.nodes = 96,
            .rails = 4,
            .unit = 8,
            .pod_units = 4,
            .spines = 2,
            .cores = 2,
            .storage = 4,
            .seed = seed,
            .faults = {"lost-cable:6", "swapped-rails:2", "slow-link:2", "dead-leaf"}};
}

std::vector<std::string> some_nodes(std::uint64_t seed, std::size_t one_of) {
    std::mt19937_64 dice(seed);
    std::vector<std::string> nodes;
    for (int i = 1; i <= 96; ++i)
        if (dice() % one_of == 0) nodes.push_back((i < 10 ? "node0" : "node") + std::to_string(i));
    if (nodes.empty()) nodes.push_back("node01");
    return nodes;
}

using Ports = std::map<std::string, std::vector<std::string>>;
Ports ports_of(const Mapped& mapped) {
    Ports found;
    for (const auto& host : mapped.hosts.hosts)
        for (auto i = host.first; i < host.first + host.count; ++i) {
            const auto& port = mapped.hosts.ports[i];
            EXPECT_EQ(&mapped.hosts.hosts[port.host], &host);
            found[std::string(host.name)].push_back(std::string(port.device) + " " +
                                                    std::to_string(port.leaf));
        }
    return found;
}

/// By group: its rails, and the units that it is in.
std::map<std::string, std::vector<std::string>> places_of(const Mapped& mapped) {
    std::map<std::string, std::vector<std::string>> found;
    for (std::uint32_t i = 0; i < mapped.map.groups.size(); ++i) {
        const auto& group = mapped.map.groups[i];
        auto& words = found[group.name];
        for (const auto& rail : group.rails)
            for (auto leaf : rail.switches) {
                EXPECT_EQ(mapped.map.grouping.of_switch[leaf], i);
                words.push_back(rail.device + " " + std::to_string(leaf));
            }
        for (const auto& tier : mapped.map.tiers) words.push_back(tier.names[tier.of_group[i]]);
    }
    return found;
}

Mapped kept(const Synth& synth, const std::vector<std::string>& nodes) {
    Mapped mapped(synth, {.adapters = {}, .nodes = nodes});
    keep_wanted(mapped.hosts, mapped.map);
    return mapped;
}

} // namespace

TEST(Wanted, nodes_are_where_they_are_among_all) {
    for (std::uint64_t seed = one_in; seed <= 60; seed += one_in) {
        auto nodes = some_nodes(seed, 1 + seed % 20);
        const std::set<std::string> wanted(nodes.begin(), nodes.end());
        Mapped all(with_faults(seed)), some = kept(with_faults(seed), nodes);
        auto expected = all.groups();
        for (auto& [name, its] : expected)
            std::erase_if(its, [&](auto& node) { return !wanted.contains(node); });
        std::erase_if(expected, [](auto& group) { return group.second.empty(); });
        ASSERT_EQ(some.groups(), expected) << seed;
        auto ports = ports_of(all);
        std::erase_if(ports, [&](auto& host) { return !wanted.contains(host.first); });
        ASSERT_EQ(ports_of(some), ports) << seed;
        auto places = places_of(all);
        std::erase_if(places, [&](auto& group) { return !expected.contains(group.first); });
        ASSERT_EQ(places_of(some), places) << seed;
        for (const auto& tier : some.map.tiers) {
            ASSERT_EQ(tier.names.size(), tier.units);
            ASSERT_EQ(std::set<std::uint32_t>(tier.of_group.begin(), tier.of_group.end()).size(), tier.units);
        }
    }
}

TEST(Wanted, nodes_have_the_findings_that_they_have_among_all) {
    for (std::uint64_t seed = one_in; seed <= 30; seed += one_in) {
        auto nodes = some_nodes(seed, 4);
        auto said = [&](const Mapped& mapped, bool of_wanted) {
            std::set<std::string> sentences;
            for (const auto& found : cabling_findings(mapped.fabric, mapped.hosts, mapped.map)) {
                const auto& finding = found.finding;
                bool is_here = std::any_of(nodes.begin(), nodes.end(), [&](const std::string& node) {
                    return finding.where == node || finding.where.starts_with(node + " ");
                });
                bool is_a_nodes = finding.where.starts_with("node");
                EXPECT_TRUE(!of_wanted || is_here || !is_a_nodes) << sentence(finding);
                if (is_here) sentences.insert(sentence(finding));
            }
            return sentences;
        };
        Mapped all(with_faults(seed)), some(with_faults(seed), {.adapters = {}, .nodes = nodes});
        ASSERT_EQ(said(some, true), said(all, false)) << seed;
    }
}

TEST(Wanted, nodes_alone_are_written_and_paired) {
    auto some = kept(with_faults(1), {"node01", "node02", "node90"});
    EXPECT_THAT(some.conf(), testing::Not(testing::HasSubstr("node03")));
    for (auto [one, other] : burn_in_pairs(some.fabric, some.hosts, some.map)) {
        EXPECT_THAT(std::string(one), AnyOf("node01", "node02", "node90"));
        EXPECT_THAT(std::string(other), AnyOf("node01", "node02", "node90"));
    }
}

TEST(Wanted, nodes_of_another_fabric_leave_nothing) {
    auto none_of_them = kept(with_faults(1), {"elsewhere1"});
    EXPECT_THAT(none_of_them.hosts.hosts, IsEmpty());
    EXPECT_THAT(none_of_them.hosts.ports, IsEmpty());
    EXPECT_THAT(none_of_them.map.groups, IsEmpty());
    EXPECT_THAT(none_of_them.map.storage_leaves, IsEmpty());
}
