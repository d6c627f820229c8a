#include "jobsubmit/policy_file.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

using railhead::Key;
using railhead::Level;
using railhead::PolicyFile;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

namespace {

class PolicyFileTest : public testing::Test {
  protected:
    void SetUp() override {
        char pattern[] = "/tmp/rh-test-XXXXXX";
        folder_ = mkdtemp(pattern);
        path_ = folder_ + "/railhead.toml";
    }
    void TearDown() override {
        std::remove(path_.c_str());
        std::remove(folder_.c_str());
    }
    void write(const std::string& text) { std::ofstream(path_) << text; }

    std::string folder_, path_;
};

} // namespace

TEST_F(PolicyFileTest, a_missing_file_means_defaults) {
    PolicyFile file(path_);
    auto news = file.look();
    ASSERT_TRUE(news.settings);
    EXPECT_EQ(news.settings->text(Key::submit_placement), "any");
    EXPECT_THAT(news.lines, IsEmpty());
    EXPECT_FALSE(file.look().settings) << "nothing new";
}

TEST_F(PolicyFileTest, a_changed_file_is_read_again) {
    write("[submit]\nplacement = \"compact\"\n");
    PolicyFile file(path_);
    EXPECT_EQ(file.look().settings->text(Key::submit_placement), "compact");
    EXPECT_FALSE(file.look().settings);
    write("[submit]\nplacement = \"any\"\n");
    auto news = file.look();
    ASSERT_TRUE(news.settings);
    EXPECT_EQ(news.settings->text(Key::submit_placement), "any");
    EXPECT_THAT(news.lines, ElementsAre(Pair(Level::info, "read the changed policy " + path_)));
}

TEST_F(PolicyFileTest, a_broken_file_keeps_the_old_policy_and_names_line_and_column) {
    write("[submit]\nplacement = \"compact\"\n");
    PolicyFile file(path_);
    (void)file.look();
    write("[submit]\nplacement = \n");
    auto news = file.look();
    EXPECT_FALSE(news.settings);
    ASSERT_EQ(news.lines.size(), 1u);
    EXPECT_THAT(news.lines[0].second, HasSubstr(path_ + ":2:1"));
    EXPECT_THAT(news.lines[0].second, HasSubstr("until then the old policy holds"));
    EXPECT_THAT(file.look().lines, IsEmpty()) << "said once";
}

TEST_F(PolicyFileTest, a_wrong_value_keeps_the_old_policy_too) {
    PolicyFile file(path_);
    (void)file.look();
    write("[submit]\nplacement = \"tight\"\n");
    auto news = file.look();
    EXPECT_FALSE(news.settings);
    ASSERT_EQ(news.lines.size(), 1u);
    EXPECT_THAT(news.lines[0].second, HasSubstr("tight"));
}

TEST_F(PolicyFileTest, a_removed_file_brings_the_defaults_back) {
    write("[submit]\nplacement = \"compact\"\n");
    PolicyFile file(path_);
    (void)file.look();
    std::remove(path_.c_str());
    EXPECT_EQ(file.look().settings->text(Key::submit_placement), "any");
}
