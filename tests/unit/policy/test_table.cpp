#include "policy/table.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace railhead;

TEST(Table, names_are_unique_and_have_a_section_and_a_key) {
    std::set<std::string_view> names;
    for (const Row& row : settings_table()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(std::string(section_of(row)) + "." + std::string(short_name_of(row)), row.name);
        EXPECT_EQ(find_row(row.name), &row);
    }
}

TEST(Table, every_setting_is_documented_in_one_sentence) {
    for (const Row& row : settings_table()) {
        ASSERT_FALSE(row.documentation.empty()) << row.name;
        EXPECT_EQ(row.documentation.back(), '.') << row.name;
        EXPECT_EQ(row.documentation.find('\n'), std::string_view::npos) << row.name;
    }
}

TEST(Table, the_environment_name_is_the_name_in_capitals) {
    EXPECT_EQ(environment_name_of(row_of(Key::launch_loss_after)), "RAILHEAD_LAUNCH_LOSS_AFTER");
}

TEST(Table, a_misspelling_finds_the_setting_that_was_meant) {
    EXPECT_EQ(nearest_setting("launch.los_after"), "launch.loss_after");
    EXPECT_EQ(nearest_setting("loss_after"), "launch.loss_after");
    EXPECT_EQ(nearest_setting("submit.placment"), "submit.placement");
    EXPECT_EQ(nearest_setting("ray.tmp"), "launch.tmp");
}

TEST(Table, what_is_near_to_nothing_finds_nothing) {
    EXPECT_EQ(nearest_setting("zzzzzzzzzz"), "");
    EXPECT_EQ(nearest_setting("launch.foo"), "") << "not launch.tmp";
    EXPECT_EQ(nearest_setting(std::string(100000, 'a')), "");
}
