#include "slurm/constraint.hpp"

#include <gtest/gtest.h>

using namespace railhead;

namespace {

std::string sets_of(std::string_view text) {
    auto constraint = parse_constraint(text);
    if (!constraint) return "nothing to say";
    std::string all = constraint->same_on_all ? "same:" : "";
    for (const auto& set : constraint->any_of) {
        all += " ";
        for (const auto& feature : set) all += feature + "+";
        all.pop_back();
    }
    return all;
}

} // namespace

TEST(Constraint, is_a_choice_of_sets) {
    EXPECT_EQ(sets_of("a"), " a");
    EXPECT_EQ(sets_of("a&b&c"), " a+b+c");
    EXPECT_EQ(sets_of("a|b|c"), " a b c");
    EXPECT_EQ(sets_of("(a&b)|c"), " a+b c");
    EXPECT_EQ(sets_of("(a|b)&(c|d)"), " a+c a+d b+c b+d");
    EXPECT_EQ(sets_of("[rack1|rack2|(a&b)]"), "same: rack1 rack2 a+b");
    EXPECT_EQ(sets_of("gpu-h100.v2&x=1"), " gpu-h100.v2+x=1");
}

TEST(Constraint, leaves_to_slurm_what_no_single_node_decides) {
    for (auto text : {"", "a*2", "[a*2&b*4]", "a&b|c", "a|b&c", "a&", "&a", "a b", "a,b", "(a", "a)", "[a",
                      "a]", "[a]&b", "()", "((((((((((a))))))))))"})
        EXPECT_EQ(sets_of(text), "nothing to say") << text;
    std::string wide = "(a|b)";
    for (int i = 0; i < 6; ++i) wide += "&(a|b)";
    EXPECT_EQ(sets_of(wide), "nothing to say") << "128 sets";
}

TEST(Constraint, is_met_by_a_node_with_all_features_of_a_set) {
    auto node = node_features("nvme,ib,,rack1");
    EXPECT_EQ(node, (std::vector<std::string>{"ib", "nvme", "rack1"}));
    EXPECT_TRUE(has_all(node, {"ib", "nvme"}));
    EXPECT_FALSE(has_all(node, {"ib", "rack2"}));
    EXPECT_TRUE(node_features("").empty());
}
