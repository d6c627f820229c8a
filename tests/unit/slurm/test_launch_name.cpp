#include "slurm/launch_name.hpp"

#include <gtest/gtest.h>

using namespace railhead;

TEST(LaunchName, is_read_back_from_its_folder) {
    EXPECT_EQ(launch_name_from("rh-7.0-abc123"), (LaunchName{"7", "0", "abc123"}));
    EXPECT_EQ((LaunchName{"7", "0", "abc123"}).folder(), "rh-7.0-abc123");
    for (auto* text : {"", "rh-", "rh-7-abc123", "rh-7.0-", "rh-7.0-abcxyz", "rh-a.0-abc123", "rh-7.b-abc123",
                       "rh-7-0.abc123", "x", "rh-7.0-abc12", "rh-7.0-abc123f"})
        EXPECT_EQ(launch_name_from(text), std::nullopt) << text;
}

TEST(LaunchName, says_in_which_step_the_launch_was_begun) {
    EXPECT_TRUE((LaunchName{"7", "2", "abc12310"}).begun_in("10"));
    EXPECT_FALSE((LaunchName{"7", "2", "abc12310"}).begun_in("1"));
    EXPECT_FALSE((LaunchName{"7", "2", "abc123"}).begun_in("1")) << "begun in the batch script";
}
