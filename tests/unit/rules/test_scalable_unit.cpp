#include "rules/scalable_unit.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace scalable_unit_test {

namespace {

/// Leaves of partition gpu hold 16, 8 and 8 nodes.
std::string verdict(const JobRequest& job, const std::string& most, const std::string& step) {
    static const auto inventory = cluster();
    Settings settings;
    EXPECT_TRUE(settings.set_in(Whose::partition, "gpu", Key::submit_unit_most, most, {}));
    EXPECT_TRUE(settings.set_in(Whose::partition, "gpu", Key::submit_unit_step, step, {}));
    auto finding = scalable_unit_rule(job, inventory, inventory.partitions_of(job), settings);
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(ScalableUnit, bounds_the_leaf_groups_of_a_job) {
    EXPECT_EQ(verdict(on({}, 32), "0", "0"), "accepted");
    EXPECT_EQ(verdict(on({}, 24), "2", "0"), "accepted");
    EXPECT_EQ(verdict(on({}, 25), "2", "0"),
              "25 nodes need 3 leaf groups of partition gpu, which gives 2 to one job; try --nodes=24");
    EXPECT_EQ(verdict(on({}, 17), "1", "0"),
              "17 nodes need 2 leaf groups of partition gpu, which gives 1 to one job; try --nodes=16");
}

TEST(ScalableUnit, wants_whole_groups_of_what_is_larger_than_one) {
    EXPECT_EQ(verdict(on({}, 15), "0", "1"), "accepted") << "within one group";
    EXPECT_EQ(verdict(on({}, 32), "0", "1"), "accepted");
    EXPECT_EQ(
        verdict(on({}, 20), "0", "1"),
        "20 nodes are more than a leaf group of partition gpu holds (16), and no multiple of 16 (1 leaf "
        "group); try --nodes=16 or --nodes=32");
    EXPECT_EQ(
        verdict(on({}, 20), "0", "2"),
        "20 nodes are more than a leaf group of partition gpu holds (16), and no multiple of 32 (2 leaf "
        "groups); try --nodes=16 or --nodes=32");
}

TEST(ScalableUnit, says_nothing_where_it_does_not_apply) {
    EXPECT_EQ(verdict({}, "1", "1"), "accepted") << "the number of nodes is not known";
    EXPECT_EQ(verdict(in(on({}, 20), {"gpu", "mixed"}), "1", "1"), "accepted") << "mixed has no leaf groups";
    auto range = on({}, 20);
    range.nodes_min = 1;
    EXPECT_EQ(verdict(range, "1", "1"), "accepted");
}

} // namespace scalable_unit_test
