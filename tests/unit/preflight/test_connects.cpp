// Who tries to reach whom, and which node is named when some do not.
#include "preflight/connects.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

using namespace railhead;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

std::vector<std::pair<std::string, std::string>> each_to_each(std::size_t nodes) {
    std::vector<std::pair<std::string, std::string>> tried;
    for (auto [from, to] : connects_of(std::vector<std::string>(nodes)))
        tried.emplace_back("n" + std::to_string(from), "n" + std::to_string(to));
    return tried;
}

std::vector<std::string> verdicts_of(std::size_t nodes, const std::vector<Unmet>& unmet) {
    std::vector<std::string> lines;
    for (const auto& finding : connect_verdicts(each_to_each(nodes), unmet))
        lines.push_back(sentence(finding) + " [" + finding.id + "]");
    return lines;
}

} // namespace

TEST(Connects, are_of_all_pairs_both_ways_while_these_are_few) {
    EXPECT_THAT(connects_of({""}), IsEmpty());
    EXPECT_THAT(connects_of({}), IsEmpty());
    EXPECT_EQ(connects_of({"", "", ""}), (Pairs{{0, 1}, {0, 2}, {1, 0}, {1, 2}, {2, 0}, {2, 1}}));
    EXPECT_EQ(connects_of(std::vector<std::string>(64)).size(), 64U * 63U);
}

TEST(Connects, cover_each_node_and_each_pair_of_leaf_groups_of_many) {
    std::vector<std::string> leaves;
    for (int node = 0; node < 640; ++node) leaves.push_back("leaf" + std::to_string(node / 32));
    const auto pairs = connects_of(leaves);
    EXPECT_LT(pairs.size(), 640U * 12U);
    std::set<std::size_t> from, to;
    std::set<std::pair<std::string, std::string>> groups;
    for (auto [one, other] : pairs) {
        EXPECT_NE(one, other);
        from.insert(one);
        to.insert(other);
        if (leaves[one] != leaves[other]) groups.emplace(leaves[one], leaves[other]);
    }
    EXPECT_EQ(from.size(), 640U);
    EXPECT_EQ(to.size(), 640U);
    EXPECT_EQ(groups.size(), 20U * 19U);
}

TEST(Connects, name_the_node_that_nobody_reaches_once) {
    EXPECT_THAT(verdicts_of(4, {}), IsEmpty());
    EXPECT_THAT(
        verdicts_of(4, {{"n0", "n2", "10.0.0.3", "No route to host"},
                        {"n1", "n2", "10.0.0.3", "No route to host"},
                        {"n3", "n2", "10.0.0.3", "No route to host"}}),
        ElementsAre("n2: 10.0.0.3 is reached by none of 3 nodes (No route to host); look at its "
                    "interface, cable and firewall, or leave the node out (--exclude) [node-unreached]"));
    EXPECT_THAT(
        verdicts_of(4, {{"n2", "n0", "10.0.0.1", "timed out"},
                        {"n2", "n1", "10.0.0.2", "timed out"},
                        {"n2", "n3", "10.0.0.4", "timed out"}}),
        ElementsAre(testing::HasSubstr("n2: the network lets it reach none of 3 nodes (n0 at 10.0.0.1: timed "
                                       "out)")));
}

TEST(Connects, name_one_that_is_cut_off_both_ways_and_not_its_partners) {
    std::vector<Unmet> unmet;
    for (const auto* other : {"n0", "n1", "n3"}) {
        unmet.push_back({other, "n2", "10.0.0.3", "timed out"});
        unmet.push_back({"n2", other, "10.0.0.9", "timed out"});
    }
    const auto lines = verdicts_of(4, unmet);
    for (const auto& line : lines) EXPECT_THAT(line, testing::StartsWith("n2: "));
    EXPECT_EQ(lines.size(), 1U);
}

TEST(Connects, name_pairs_where_no_node_is_to_blame) {
    EXPECT_THAT(verdicts_of(4, {{"n0", "n2", "10.0.0.3", "Connection refused"}}),
                ElementsAre("n0: n2 at 10.0.0.3 cannot be reached: Connection refused; look at routes and "
                            "firewalls between both [nodes-apart]"));
    EXPECT_THAT(verdicts_of(2, {{"n0", "n1", "10.0.0.3", "x"}}),
                ElementsAre(testing::StartsWith("n0: n1 at")))
        << "of two nodes either may be at fault";
    std::vector<Unmet> many;
    for (int i = 0; i < 12; ++i)
        many.push_back({"n" + std::to_string(i), "n" + std::to_string(i + 20), "a", "x"});
    const auto lines = verdicts_of(40, many);
    ASSERT_EQ(lines.size(), 11U);
    EXPECT_EQ(lines.back(), "2 more connections did not come about [nodes-apart]");
}
