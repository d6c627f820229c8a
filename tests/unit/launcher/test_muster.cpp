#include "launcher/supervisor/muster.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

Hello with_memory(std::optional<std::uint64_t> bytes) {
    Hello hello;
    hello.mem_bytes = bytes;
    return hello;
}

} // namespace

TEST(Muster, bounds_the_memory_of_a_node_by_the_jobs) {
    Allocation allocation;
    allocation.components = {
        {.nodes = {"a", "b", "c", "d"}, .mem_bytes = {{"a", 400}, {"b", 400}, {"c", 400}}}};
    Muster muster(allocation);
    EXPECT_TRUE(muster.add("0:a", with_memory(2500), 1)) << "no cgroup bounds it";
    EXPECT_TRUE(muster.add("0:b", with_memory(300), 1)) << "a container does";
    EXPECT_TRUE(muster.add("0:c", with_memory(std::nullopt), 1));
    EXPECT_TRUE(muster.add("0:d", with_memory(2500), 1)) << "Slurm allocates no memory there";
    ASSERT_TRUE(muster.complete());
    std::vector<std::optional<std::uint64_t>> found;
    for (auto& hello : muster.in_order()) found.push_back(hello.mem_bytes);
    EXPECT_THAT(found, testing::ElementsAre(400, 300, 400, 2500));
}

TEST(Muster, says_once_what_is_wrong_with_several_nodes_and_the_worst_first) {
    const Finding clock{.id = "node-clock", .level = Level::warn, .thing = "the clock", .seen = "is wrong"};
    const Finding port{.id = "node-rdma-port",
                       .level = Level::fail,
                       .where = "mlx5_0:1",
                       .thing = "the port",
                       .seen = "is DOWN"};
    const Finding other{.id = "ray-missing", .level = Level::fail, .thing = "ray", .seen = "is missing"};
    Hello first, second, third;
    first.node = "n1", second.node = "n2", third.node = "n3";
    first.findings = {clock, other};
    second.findings = {clock, port};
    first.traits = second.traits = {{"kernel", "6.1"}};
    third.traits = {{"kernel", "5.15"}};
    auto findings = wrong_with_nodes({first, second, third});
    ASSERT_EQ(findings.size(), 3U);
    EXPECT_THAT(sentence(findings[2]),
                testing::StartsWith("n3: kernel is 5.15 (expected 6.1, as on 2 of 3 nodes)"));
    EXPECT_EQ(sentence(findings[0]), "n2: mlx5_0:1: the port is DOWN");
    EXPECT_EQ(sentence(findings[1]), "n[1-2]: the clock is wrong");
    EXPECT_EQ(refusal_of(second, {"node"}), std::nullopt) << "it is judged with all others";
}

} // namespace railhead
