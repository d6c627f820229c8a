#include "launcher/agent/directory.hpp"

#include <gmock/gmock.h>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace railhead {
namespace {

namespace fs = std::filesystem;

class Directory : public testing::Test {
  protected:
    std::string base;
    void SetUp() override {
        char name[] = "/tmp/dirXXXXXX";
        base = mkdtemp(name);
    }
    void TearDown() override { fs::remove_all(base); }
    static LaunchName name() { return {"7", "0", "abc123"}; }
};

TEST(LaunchName, is_that_of_the_launch_around_a_program_but_not_of_one_around_its_step) {
    auto around = [](const std::string& step, const std::string& mark) {
        return launch_around(
            Environment({{"SLURM_JOB_ID", "7"}, {"SLURM_STEP_ID", step}, {"RAILHEAD_LAUNCH", mark}}));
    };
    EXPECT_EQ(around("1", "7.1-abc123"), (LaunchName{"7", "1", "abc123"}));
    EXPECT_EQ(around("2", "7.1-abc123"), std::nullopt) << "srun in a rank";
    EXPECT_EQ(around("1", "6.1-abc123"), std::nullopt) << "sbatch in a rank";
    EXPECT_EQ(around("1", "x"), std::nullopt);
    EXPECT_EQ(launch_around(Environment({{"SLURM_JOB_ID", "7"}, {"SLURM_STEP_ID", "1"}})), std::nullopt);
}

TEST_F(Directory, is_made_for_its_owner_only) {
    umask(0);
    auto made = LaunchDirectory::make(base, name());
    ASSERT_TRUE(made);
    EXPECT_EQ(made->path(), base + "/rh-7.0-abc123");
    EXPECT_EQ(fs::status(made->path()).permissions(), fs::perms::owner_all);
    umask(022);
}

TEST_F(Directory, is_refused_when_sockets_below_it_could_not_be_named) {
    auto long_base = base + "/" + std::string(30, 'x');
    fs::create_directory(long_base);
    auto made = LaunchDirectory::make(long_base, name());
    ASSERT_FALSE(made);
    EXPECT_EQ(sentence(made.error()),
              long_base + "/rh-7.0-abc123 has " + std::to_string(long_base.size() + 14) +
                  " bytes (expected at most 40, for socket paths below it end at 107); set "
                  "launch.tmp to a shorter path");
}

TEST_F(Directory, is_refused_where_something_has_its_name) {
    fs::create_directory_symlink("/", base + "/rh-7.0-abc123");
    auto made = LaunchDirectory::make(base, name());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().finding.id, "dir-exists");
    EXPECT_TRUE(fs::is_symlink(base + "/rh-7.0-abc123"));
}

TEST_F(Directory, says_when_the_base_cannot_be_written) {
    auto made = LaunchDirectory::make(base + "/nowhere", name());
    ASSERT_FALSE(made);
    EXPECT_EQ(sentence(made.error()),
              base + "/nowhere/rh-7.0-abc123: No such file or directory; set launch.tmp to a "
                     "directory you may write");
}

TEST_F(Directory, is_removed_with_everything_and_without_following_links) {
    fs::create_directory(base + "/precious");
    std::ofstream(base + "/precious/file") << "x";
    auto made = LaunchDirectory::make(base, name());
    ASSERT_TRUE(made);
    fs::create_directories(made->path() + "/a/b/c");
    std::ofstream(made->path() + "/a/b/c/file") << "x";
    fs::create_directory_symlink(base + "/precious", made->path() + "/a/link");
    fs::create_symlink(base + "/precious/file", made->path() + "/file");
    fs::permissions(made->path() + "/a/b", fs::perms::none);
    EXPECT_TRUE(made->remove());
    EXPECT_FALSE(fs::exists(made->path()));
    EXPECT_TRUE(fs::exists(base + "/precious/file"));
    EXPECT_TRUE(made->remove()) << "again is no error";
}

TEST_F(Directory, that_was_replaced_by_a_link_is_left_alone) {
    fs::create_directory(base + "/precious");
    std::ofstream(base + "/precious/file") << "x";
    auto made = LaunchDirectory::make(base, name());
    ASSERT_TRUE(made);
    fs::remove(made->path());
    fs::create_directory_symlink(base + "/precious", made->path());
    EXPECT_FALSE(made->remove());
    EXPECT_TRUE(fs::exists(base + "/precious/file"));
}

TEST_F(Directory, of_a_living_launch_is_not_among_the_dead) {
    auto made = LaunchDirectory::make(base, name());
    ASSERT_TRUE(made);
    EXPECT_TRUE(dead_launches(base, "7", "").empty());
}

TEST_F(Directory, of_a_dead_launch_is_found_by_job_and_step) {
    for (auto* folder : {"rh-7.0-aaaaaa", "rh-7.1-bbbbbb", "rh-8.0-cccccc", "rh-7-x", "other"})
        fs::create_directory(base + "/" + folder);
    fs::create_directory_symlink("/", base + "/rh-7.2-dddddd");
    std::ofstream(base + "/rh-7.3-eeeeee") << "no folder";
    auto names = [&](const std::string& step) {
        std::vector<std::string> found;
        for (auto& dead : dead_launches(base, "7", step)) found.push_back(dead.name.launch);
        std::sort(found.begin(), found.end());
        return found;
    };
    EXPECT_THAT(names(""), testing::ElementsAre("aaaaaa", "bbbbbb"));
    EXPECT_THAT(names("1"), testing::ElementsAre("bbbbbb"));
}

TEST_F(Directory, of_another_user_is_not_among_the_dead) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
    fs::create_directory(base + "/rh-7.0-aaaaaa");
    ASSERT_EQ(chown((base + "/rh-7.0-aaaaaa").c_str(), 12345, 12345), 0);
    EXPECT_TRUE(dead_launches(base, "7", "").empty());
}

} // namespace
} // namespace railhead
