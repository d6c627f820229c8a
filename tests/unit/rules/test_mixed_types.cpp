#include "rules/mixed_types.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace mixed_types_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = mixed_types_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

TEST(MixedTypes, are_told_apart_only_by_components) {
    auto job = asks(Per::node, "h100", 1);
    job.gpus.items.push_back({"gpu", "h200", Per::node, 1, ""});
    EXPECT_EQ(verdict(job),
              "GPUs of the types h100 and h200 are asked in one component, whose ranks cannot tell "
              "which they get; ask one type, or one component for each (a heterogeneous job, \":\")");
    job.het_offset = 0;
    EXPECT_EQ(verdict(job), "accepted");
    EXPECT_EQ(verdict(asks(Per::node, "h100", 1)), "accepted");
}

TEST(MixedTypes, mig_slices_stay_on_one_node) {
    EXPECT_EQ(verdict(on(asks(Per::node, "1g.10gb", 1), 2)),
              "gpu:1g.10gb is a MIG slice, and NCCL does not connect those of 2 nodes; ask whole GPUs, or "
              "one node");
    EXPECT_EQ(verdict(on(asks(Per::node, "a100_3g.40gb", 1), 1)), "accepted");
    EXPECT_EQ(verdict(on(asks(Per::node, "gb200", 1), 2)), "accepted");
}

} // namespace mixed_types_test
