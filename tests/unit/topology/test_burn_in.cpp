#include "topology/burn_in.hpp"

#include "fabric_rig.hpp"

using namespace railhead::topology;
using testing::ElementsAre;
using testing::Pair;

namespace {

auto pairs(const Synth& shape) {
    Mapped mapped(shape);
    std::vector<std::pair<std::string, std::string>> found;
    for (auto [one, other] : burn_in_pairs(mapped.fabric, mapped.hosts, mapped.map))
        found.emplace_back(one, other);
    return found;
}

} // namespace

TEST(BurnIn, has_each_node_once_with_one_of_another_group) {
    EXPECT_THAT(pairs({.nodes = 8, .rails = 2, .unit = 4, .spines = 4}),
                ElementsAre(Pair("node1", "node5"), Pair("node2", "node6"), Pair("node3", "node7"),
                            Pair("node4", "node8")));
}

TEST(BurnIn, leaves_no_node_out_when_their_number_is_odd) {
    EXPECT_THAT(pairs({.nodes = 3, .rails = 2, .unit = 4, .spines = 0}),
                ElementsAre(Pair("node1", "node3"), Pair("node2", "node1")));
}

TEST(BurnIn, sends_as_much_up_as_a_leaf_has_cables_there) {
    for (unsigned nodes : {8U, 9U, 30U, 31U})
        for (unsigned spines : {4U, 8U, 16U}) {
            Synth shape{.nodes = nodes, .rails = 2, .unit = 4, .spines = spines};
            Mapped mapped(shape);
            std::map<std::string, std::set<std::string>> partners;
            for (auto [one, other] : burn_in_pairs(mapped.fabric, mapped.hosts, mapped.map)) {
                ASSERT_NE(one, other);
                ASSERT_FALSE(partners[std::string(one)].contains(std::string(other))) << "a pair comes twice";
                partners[std::string(one)].emplace(other);
                partners[std::string(other)].emplace(one);
            }
            ASSERT_EQ(partners.size(), nodes);
        }
}
