#include "base/finding.hpp"

#include <gtest/gtest.h>

using railhead::Finding;
using railhead::Level;

TEST(Finding, is_sorted_by_how_bad_it_is_and_stays_in_order_otherwise) {
    std::vector<railhead::Finding> all{{.id = "a", .level = railhead::Level::info},
                                       {.id = "b", .level = railhead::Level::unknown},
                                       {.id = "c", .level = railhead::Level::warn},
                                       {.id = "d", .level = railhead::Level::fail},
                                       {.id = "e", .level = railhead::Level::warn}};
    railhead::sort_worst_first(all);
    std::string order;
    for (const auto& each : all) order += each.id;
    EXPECT_EQ(order, "dceba");
}

TEST(Finding, reads_as_one_sentence) {
    Finding finding{"ray-missing",
                    Level::fail,
                    "node2",
                    "ray",
                    "is not on PATH",
                    "Ray 2.60.0 as on node1",
                    "install Ray there or give --ray PATH"};
    EXPECT_EQ(sentence(finding), "node2: ray is not on PATH (expected Ray 2.60.0 as on node1); "
                                 "install Ray there or give --ray PATH");
}

TEST(Finding, leaves_out_what_is_unknown) {
    EXPECT_EQ(sentence(Finding{.id = "x", .thing = "the key"}), "the key");
}
