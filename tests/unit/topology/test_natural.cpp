#include "topology/natural.hpp"

#include <gtest/gtest.h>

using railhead::topology::natural_order;

TEST(NaturalOrder, is_that_of_people) {
    const char* ordered[] = {"",   "a",      "a1",    "a2",      "a10",    "a10b",     "a10c",
                             "ab", "node01", "node1", "node002", "node10", "node10-2", "node10-10"};
    for (std::size_t i = 0; i < std::size(ordered); ++i)
        for (std::size_t j = 0; j < std::size(ordered); ++j)
            EXPECT_TRUE(natural_order(ordered[i], ordered[j]) == (i <=> j))
                << ordered[i] << " and " << ordered[j];
}

TEST(NaturalOrder, has_no_longest_number) {
    EXPECT_TRUE(natural_order("n99999999999999999999999998", "n99999999999999999999999999") < 0);
    EXPECT_TRUE(natural_order("n9", "n18446744073709551617") < 0);
}
