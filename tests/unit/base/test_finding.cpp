#include "base/finding.hpp"

#include <gtest/gtest.h>

using railhead::Finding;
using railhead::Level;

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
