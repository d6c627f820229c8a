#include "launcher/recipes/recipe.hpp"

#include <gtest/gtest.h>

using namespace railhead;

namespace {

struct Case {
    Allocation allocation;
    std::vector<Hello> hellos;
    Settings settings;
    LaunchInput input(std::vector<std::string> command = {"true"}) {
        return {.allocation = allocation,
                .hellos = hellos,
                .settings = settings,
                .command = std::move(command),
                .env = {},
                .cwd = "/",
                .secret = {}};
    }
};

Hello on(std::string node, std::string topology) {
    return {.node = node, .addresses = {"10.0.0.1"}, .topology_addr = topology};
}

std::string names(const NodeOrder& order) {
    std::string text;
    for (auto& node : order.nodes) text += node.name + "/" + node.leaf + " ";
    return text;
}

} // namespace

TEST(Order, neighbours_share_leaf_groups_and_the_first_node_stays_first) {
    Case c;
    c.hellos = {on("n1", "s.b.n1"), on("n2", "s.a.n2"), on("n3", "s.b.n3"), on("n4", "s.a.n4")};
    EXPECT_EQ(names(order_nodes(c.input())), "n1/b n3/b n2/a n4/a ");
}

TEST(Order, without_a_topology_it_is_slurms) {
    Case c;
    c.hellos = {on("n2", "n2"), on("n1", "")};
    EXPECT_EQ(names(order_nodes(c.input())), "n2/ n1/ ");
}

TEST(Run, puts_one_rank_on_every_node) {
    Case c;
    c.hellos = {on("n1", ""), on("n2", "")};
    auto plan = plan_run(c.input({"hostname", "-f"}), {});
    ASSERT_TRUE(plan);
    ASSERT_EQ(plan->processes.size(), 2u);
    EXPECT_EQ(plan->processes[1].argv, (std::vector<std::string>{"hostname", "-f"}));
    EXPECT_EQ(plan->processes[1].env.at("RANK"), "1");
    EXPECT_EQ(plan->processes[1].env.at("WORLD_SIZE"), "2");
}
