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

} // namespace railhead
