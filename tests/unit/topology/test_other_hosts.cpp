#include "topology/other_hosts.hpp"

#include "fabric_rig.hpp"
#include "topology/cabling.hpp"
#include "topology/named_fabric.hpp"

using namespace railhead::topology;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct Marked : Mapped {
    explicit Marked(const std::string& text) : Mapped(text) { mark_others(hosts, map); }
    explicit Marked(Fabric built) : Mapped(std::move(built)) { mark_others(hosts, map); }

    std::vector<std::string> others() const {
        std::vector<std::string> found;
        for (const auto& host : hosts.hosts)
            if (host.is_other) found.emplace_back(host.name);
        return found;
    }
    std::vector<std::string> findings() const {
        std::vector<std::string> found;
        for (const auto& each : cabling_findings(fabric, hosts, map))
            if (each.finding.id != "oversubscribed")
                found.push_back(each.finding.id + " " + each.finding.where);
        return found;
    }
};

const Synth shape{.nodes = 24, .rails = 4, .unit = 8, .spines = 4};

} // namespace

TEST(OtherHosts, are_on_storage_leaves_or_spines_only) {
    auto with_storage = shape;
    with_storage.storage = 3;
    with_storage.sharp = true;
    const Marked storage(*synthesize(with_storage));
    EXPECT_THAT(storage.others(), ElementsAre("storage1", "storage2", "storage3"));
    EXPECT_THAT(storage.findings(), IsEmpty());
    const Marked spine(with_adapter(*synthesize(shape), "ufm1 mlx5_0", "spine1"));
    EXPECT_THAT(spine.others(), ElementsAre("ufm1"));
    EXPECT_THAT(spine.findings(), ElementsAre("host-on-spine ufm1"));
}

TEST(OtherHosts, are_storage_servers_however_many_where_nodes_have_far_more_cables) {
    for (auto rails : {4U, 8U})
        for (auto servers : {8U, 9U, 40U}) {
            Synth few_nodes{.nodes = 8, .rails = rails, .unit = 8, .spines = 8, .storage = servers};
            const Marked marked(*synthesize(few_nodes));
            EXPECT_THAT(marked.others(), testing::SizeIs(servers));
            EXPECT_THAT(marked.others(), testing::Each(testing::StartsWith("storage")));
            EXPECT_THAT(marked.findings(), IsEmpty());
            EXPECT_THAT(marked.hosts.findings, IsEmpty());
        }
}

TEST(OtherHosts, are_doubtful_where_they_are_most_and_have_as_many_cables) {
    const Marked marked(*synthesize({.nodes = 8, .rails = 2, .unit = 8, .spines = 8, .storage = 9}));
    EXPECT_THAT(marked.others(), IsEmpty());
    ASSERT_THAT(marked.hosts.findings, testing::SizeIs(1));
    EXPECT_THAT(railhead::sentence(marked.hosts.findings[0]),
                testing::StartsWith("9 hosts (storage[1-9]) have cables to leaves of several groups only"));
}

TEST(OtherHosts, have_far_fewer_cables_than_most_of_their_group) {
    auto text = with_adapter(*synthesize(shape), "ufm1 mlx5_0", "su1-leaf1");
    text = with_adapter(text, "ufm2 mlx5_0", "su1-leaf2"); // no swapped rail: it has none
    const Marked marked(text);
    EXPECT_THAT(marked.others(), ElementsAre("ufm1", "ufm2"));
    EXPECT_THAT(marked.findings(), IsEmpty());
    auto two = *synthesize(shape);
    for (const auto* leaf : {"su1-leaf1", "su1-leaf2"}) two = with_adapter(two, "login1 mlx5_0", leaf);
    EXPECT_THAT(Marked(two).others(), IsEmpty()) << "half of the rails is not far fewer";
}

TEST(OtherHosts, are_named_like_no_compute_node) {
    const auto text = with_adapter(*synthesize(shape), "node25 mlx5_0", "su1-leaf1");
    EXPECT_THAT(Marked(text).others(), IsEmpty());
    EXPECT_THAT(Marked(text).findings(), testing::Contains("rail-missing node25"));
    EXPECT_THAT(Marked(*synthesize(shape)).others(), IsEmpty());
}

TEST(OtherHosts, are_few_in_a_group) {
    auto text = *synthesize(shape);
    for (int cpu = 1; cpu <= 3; ++cpu)
        text = with_adapter(text, fmt::format("cpu{} mlx5_0", cpu), "su1-leaf1");
    EXPECT_THAT(Marked(text).others(), IsEmpty());
}

TEST(OtherHosts, are_no_login_nodes_on_a_leaf_of_their_own_which_a_node_s_cable_is_moved_to) {
    for (int logins = 1; logins <= 3; ++logins)
        for (int moved = 0; moved <= std::min(logins, 2); ++moved) {
            NamedFabric build{Text("")};
            auto cable = [&](const std::string& host, int device, const std::string& leaf) {
                build.link(build.network_switch(leaf, 1),
                           build.adapter(host, "mlx5_" + std::to_string(device), 1), 1);
            };
            for (int login = 1; login <= logins; ++login)
                cable(fmt::format("login{}", login), 0, "leaf-login");
            for (int node = 0; node < 16; ++node)
                for (int rail = 0; rail < 4; ++rail)
                    cable(fmt::format("n{}", node), rail,
                          rail == 1 && node < moved ? "leaf-login"
                                                    : fmt::format("su{}-leaf{}", node / 8 + 1, rail));
            const Marked seen(std::move(build).finish());
            EXPECT_THAT(seen.others(), IsEmpty()) << logins << " " << moved;
            EXPECT_THAT(seen.findings(), testing::SizeIs(static_cast<std::size_t>(moved))) << logins;
        }
}
