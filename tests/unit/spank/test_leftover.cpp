#include "spank/leftover.hpp"

#include "base/clock.hpp"

#include <gmock/gmock.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace railhead;
using namespace railhead::spank;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

class LeftoverTest : public testing::Test {
  protected:
    void SetUp() override {
        char pattern[] = "/tmp/test-left-XXXXXX";
        tmp_ = mkdtemp(pattern);
        step_.owner.uid = geteuid();
        step_.owner.gid = getegid();
    }
    void TearDown() override { std::filesystem::remove_all(tmp_); }

    void folder(const std::string& name) { std::filesystem::create_directory(tmp_ + "/" + name); }
    /// A stand-in for railhead; it is called with: sweep JOB.STEP --tmp TMP.
    std::string program(const std::string& script) {
        auto path = tmp_ + "/railhead";
        std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
        chmod(path.c_str(), 0755);
        return path;
    }
    std::string sweep_with(const std::string& path, double seconds = 5) {
        auto problem = sweep(step_, "17", path, tmp_, seconds);
        return problem ? sentence(*problem) : "swept";
    }
    std::string written(const std::string& name) {
        std::ifstream file(tmp_ + "/" + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::string tmp_;
    EndedStep step_{.jobs = {"17"}, .step = 3, .owner = {}};
};

} // namespace

TEST_F(LeftoverTest, is_a_directory_of_this_step_only) {
    EXPECT_THAT(jobs_with_leftovers(step_, tmp_), IsEmpty());
    for (auto name : {"rh-17.4-abcdef", "rh-18.3-abcdef", "rh-17.3-abcdeg", "rh-17.3-abcde",
                      "xrh-17.3-abcdef", "rh-17.3-abcdef-12"})
        folder(name);
    EXPECT_THAT(jobs_with_leftovers(step_, tmp_), IsEmpty());
    folder("rh-17.3-abcdef");
    folder("rh-17.3-0a1b2c");
    EXPECT_THAT(jobs_with_leftovers(step_, tmp_), ElementsAre("17"));
}

TEST_F(LeftoverTest, is_a_launch_begun_in_a_step_too) {
    folder("rh-17.3-abcdef12");
    EXPECT_THAT(jobs_with_leftovers(step_, tmp_), ElementsAre("17"));
}

TEST_F(LeftoverTest, is_found_under_the_leaders_id_of_a_heterogeneous_job) {
    step_.jobs = {"18", "17"};
    folder("rh-17.3-abcdef");
    EXPECT_THAT(jobs_with_leftovers(step_, tmp_), ElementsAre("17"));
}

TEST_F(LeftoverTest, is_neither_a_link_nor_a_file_nor_somebody_elses) {
    folder("target");
    std::filesystem::create_directory_symlink(tmp_ + "/target", tmp_ + "/rh-17.3-abcdef");
    std::ofstream(tmp_ + "/rh-17.3-abcde0") << "";
    EXPECT_THAT(jobs_with_leftovers(step_, tmp_), IsEmpty());
    folder("rh-17.3-abcde1");
    step_.owner.uid = geteuid() + 1;
    EXPECT_THAT(jobs_with_leftovers(step_, tmp_), IsEmpty());
}

TEST_F(LeftoverTest, is_nothing_when_the_folder_is_missing) {
    EXPECT_THAT(jobs_with_leftovers(step_, tmp_ + "/missing"), IsEmpty());
}

TEST_F(LeftoverTest, is_swept_by_a_child_with_a_clean_environment_in_a_group_of_its_own) {
    setenv("LD_PRELOAD_STAND_IN", "/evil.so", 1);
    auto path = program("echo \"$@\" > " + tmp_ + "/arguments; env > " + tmp_ +
                        "/environment; ps -o pgid= -p $$ > " + tmp_ + "/group; pwd > " + tmp_ + "/cwd");
    EXPECT_EQ(sweep_with(path), "swept");
    EXPECT_EQ(written("arguments"), "sweep 17.3 --tmp " + tmp_ + "\n");
    EXPECT_THAT(written("environment"), Not(HasSubstr("STAND_IN")));
    EXPECT_NE(std::atoi(written("group").c_str()), getpgrp());
    EXPECT_EQ(written("cwd"), "/\n");
}

TEST_F(LeftoverTest, is_swept_as_its_owner) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can start a program as another user";
    chmod(tmp_.c_str(), 0777);
    step_.owner = {4711, 4712, {4713}};
    EXPECT_EQ(sweep_with(program("id -u > " + tmp_ + "/who; id -G >> " + tmp_ + "/who")), "swept");
    EXPECT_EQ(written("who"), "4711\n4712 4713\n");
}

TEST_F(LeftoverTest, is_named_when_it_cannot_be_swept) {
    EXPECT_EQ(sweep_with(tmp_ + "/missing"), "cleaning up after step 17.3 needs " + tmp_ +
                                                 "/missing, which is not there; "
                                                 "run railhead sweep 17.3 as its user");
    EXPECT_EQ(sweep_with(program("exit 113")),
              "cleaning up after step 17.3 failed: railhead sweep exited with 113; "
              "run railhead sweep 17.3 as its user");
    EXPECT_EQ(sweep_with(program("kill -SEGV $$")),
              "cleaning up after step 17.3 failed: railhead sweep was killed by signal 11; "
              "run railhead sweep 17.3 as its user");
}

TEST_F(LeftoverTest, never_holds_the_step_beyond_its_deadline) {
    auto begun = monotonic_s();
    EXPECT_EQ(sweep_with(program("sleep 60 & echo $! > " + tmp_ + "/pid; wait"), 1),
              "cleaning up after step 17.3 took more than 1 s and was killed; "
              "run railhead sweep 17.3 as its user");
    EXPECT_LT(monotonic_s() - begun, 4);
    auto pid = std::atoi(written("pid").c_str());
    ASSERT_GT(pid, 0);
    for (int i = 0; i < 100 && kill(pid, 0) == 0; ++i) usleep(10'000);
    std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
    std::string text{std::istreambuf_iterator<char>(status), {}};
    EXPECT_TRUE(text.empty() || text.find(") Z") != std::string::npos) << "its own child lives on: " << text;
}
