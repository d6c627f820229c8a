#include "rules/type_required.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace type_required_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = type_required_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(TypeRequired, wants_a_type_where_there_are_several) {
    EXPECT_EQ(
        verdict(in(asks(Per::node, "", 2), {"mixed"})),
        "gpu:2 per node names no type, and partition mixed has several (h100 x 4 on 3 nodes, h200 x 4 on 3 "
        "nodes); try --gpus-per-node=h100:2");
    EXPECT_EQ(verdict(in(asks(Per::node, "h200", 2), {"mixed"})), "accepted");
    EXPECT_EQ(verdict(asks(Per::node, "", 2)), "accepted");
    EXPECT_EQ(verdict(in({}, {"mixed"})), "accepted");
}

} // namespace type_required_test
