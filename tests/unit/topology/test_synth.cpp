#include "topology/synth.hpp"

#include "fabric_rig.hpp"

using namespace railhead::topology;

namespace {

std::string refusal(const Synth& wanted) {
    auto text = synthesize(wanted);
    return text ? "none" : sentence(text.error());
}

std::size_t cables(Synth wanted, std::vector<std::string> faults) {
    wanted.faults = std::move(faults);
    return Mapped(wanted).fabric.links.size();
}

} // namespace

TEST(Synth, refuses_faults_that_the_fabric_has_no_place_for) {
    EXPECT_EQ(refusal({.nodes = 8, .rails = 2, .unit = 8, .faults = {"foreign-cable"}}),
              "--fault foreign-cable needs two units; raise --nodes or lower --unit");
    EXPECT_EQ(refusal({.nodes = 8, .rails = 1, .unit = 4, .faults = {"swapped-rails"}}),
              "--fault swapped-rails needs two rails; raise --rails");
    EXPECT_EQ(refusal({.nodes = 8, .rails = 1, .unit = 4, .faults = {"half-node"}}),
              "--fault half-node needs two rails; raise --rails");
    EXPECT_EQ(refusal({.nodes = 8, .rails = 2, .unit = 4, .spines = 0, .faults = {"lost-uplink"}}),
              "--fault lost-uplink needs spines; raise --spines");
    EXPECT_EQ(
        refusal({.nodes = 8, .rails = 2, .unit = 4, .faults = {"lost-core-cable"}}),
        "--fault lost-core-cable needs several pods and cores above them; give --pod-units, and --cores");
}

TEST(Synth, harms_no_cable_twice) {
    const Synth shape{.nodes = 16, .rails = 2, .unit = 4, .spines = 2};
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        auto faulty = shape;
        faulty.seed = seed;
        faulty.faults = {"half-node:2", "slow-link:3", "lost-cable:4", "narrow-link:5", "swapped-rails"};
        Mapped mapped(faulty);
        std::map<std::string, int> rates;
        for (const auto& link : mapped.fabric.links) ++rates[text_of(link.rate)];
        EXPECT_EQ(rates["4xEDR"], 3) << seed;
        EXPECT_EQ(rates["1xHDR"], 5) << seed;
        EXPECT_EQ(mapped.fabric.links.size(), 48U - 2 - 4) << seed;
    }
    EXPECT_EQ(refusal({.nodes = 8, .rails = 2, .unit = 4, .faults = {"moved-node:7", "dead-leaf"}}),
              "--fault dead-leaf has place for 0 only; lower the number");
}

TEST(Synth, has_switches_whose_ports_can_be_numbered) {
    EXPECT_THAT(synth_findings({.nodes = 512, .pod_units = 4}), testing::IsEmpty());
    const auto wide = synth_findings({.nodes = 1024});
    ASSERT_THAT(wide, testing::SizeIs(1));
    EXPECT_EQ(sentence(wide[0]), "the widest switch has 256 ports, and InfiniBand numbers 254 at most; give "
                                 "--pod-units, or --zone-pods, if it is for ibsim");
    EXPECT_EQ(
        refusal({.nodes = 1'000'000, .unit = 32}),
        "a switch of 250000 ports cannot be (expected at most 60000; give --pod-units, or --zone-pods)");
}

TEST(Synth, loses_as_many_cables_as_it_is_told) {
    const Synth shape{.nodes = 4, .rails = 2, .unit = 2, .pod_units = 1, .spines = 2, .cores = 2};
    auto all = cables(shape, {});
    for (const auto* kind : {"lost-cable:", "lost-uplink:", "lost-core-cable:"})
        for (auto count : {4, 8}) // all of them
            EXPECT_EQ(cables(shape, {kind + std::to_string(count)}), all - static_cast<std::size_t>(count))
                << kind;
    EXPECT_EQ(cables(shape, {"lost-cable:3", "lost-cable:5"}), all - 8);
    EXPECT_EQ(refusal({.nodes = 4, .rails = 2, .unit = 2, .faults = {"lost-cable:7", "lost-cable:2"}}),
              "--fault lost-cable:2 has place for 1 only; lower the number");
}
