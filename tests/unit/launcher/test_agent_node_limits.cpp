#include "launcher/agent/batch_host.hpp"
#include "launcher/agent/node_limits.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace railhead {
namespace {

/// A cgroup tree in a temporary folder.
class Cgroups : public testing::Test {
  protected:
    std::string root;
    void SetUp() override {
        char name[] = "/tmp/cgroupsXXXXXX";
        root = mkdtemp(name);
    }
    void TearDown() override { std::filesystem::remove_all(root); }
    void put(const std::string& path, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
        std::ofstream(root + path) << text;
    }
};

TEST(MemoryCgroup, is_found_in_a_version_1_hierarchy) {
    EXPECT_EQ(memory_cgroup(
                  "9:name=systemd:/x\n4:cpu,memory:/slurm/uid_0/job_7/step_0\n0::/\n",
                  "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
                  "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
                  "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,cpu,memory\n"),
              (CgroupPlace{"/sys/fs/cgroup/memory", "/slurm/uid_0/job_7/step_0", 1}));
}

TEST(MemoryCgroup, is_found_in_version_2) {
    EXPECT_EQ(memory_cgroup("0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0\n",
                            "30 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
              (CgroupPlace{"/sys/fs/cgroup", "/system.slice/slurmstepd.scope/job_7/step_0/user/task_0", 2}));
}

TEST(MemoryCgroup, is_found_when_a_folder_of_the_hierarchy_is_mounted) {
    // As in a container, and in a node that is a namespace: the mount shows only /node1.
    EXPECT_EQ(memory_cgroup("4:memory:/node1/slurm/job_7\n",
                            "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                            "99 31 0:32 /node1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"),
              (CgroupPlace{"/sys/fs/cgroup/memory", "/slurm/job_7", 1}));
}

TEST(MemoryCgroup, is_not_taken_from_a_mount_that_does_not_show_it) {
    EXPECT_EQ(memory_cgroup("4:memory:/node10\n",
                            "99 31 0:32 /node1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"),
              std::nullopt);
    EXPECT_EQ(memory_cgroup("4:memory:/\n", ""), std::nullopt);
    EXPECT_EQ(memory_cgroup("junk\n:\n", "1 2 3\n - \n"), std::nullopt);
}

TEST_F(Cgroups, limit_is_the_least_of_all_ancestors) {
    put("/memory.limit_in_bytes", "9223372036854771712\n");
    put("/job_7/memory.limit_in_bytes", "1000000\n");
    put("/job_7/step_0/memory.limit_in_bytes", "2000000\n");
    EXPECT_EQ(cgroup_memory_limit({root, "/job_7/step_0", 1}), 1000000U);
    EXPECT_EQ(cgroup_memory_limit({root, "/", 1}), std::nullopt) << "a number near 2^63 is no limit";
}

TEST_F(Cgroups, limit_max_of_version_2_is_none) {
    put("/job_7/memory.max", "max\n");
    EXPECT_EQ(cgroup_memory_limit({root, "/job_7", 2}), std::nullopt);
    put("/memory.max", "500\n");
    EXPECT_EQ(cgroup_memory_limit({root, "/job_7", 2}), 500U);
}

TEST_F(Cgroups, kills_are_counted_in_the_step_and_not_beyond) {
    put("/job_7/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 40\n");
    put("/job_7/step_0/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    put("/job_7/step_0/task_0/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    EXPECT_EQ(oom_kills({root, "/job_7/step_0/task_0", 1}), 3U);
}

TEST_F(Cgroups, kills_of_version_2_are_counted_once) {
    put("/step_0/memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 3\n");
    put("/step_0/user/memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 3\n");
    EXPECT_EQ(oom_kills({root, "/step_0/user", 2}), 3U);
    EXPECT_EQ(oom_kills({root, "/nowhere", 2}), std::nullopt);
}

TEST(OomKills, are_read_from_the_line_of_that_name) {
    EXPECT_EQ(oom_kills_in("oom 7\noom_kill 3\noom_group_kill 0\n"), 3U);
    EXPECT_EQ(oom_kills_in("oom_kill_disable 0\nunder_oom 0\n"), std::nullopt);
}

TEST(MemoryTotal, is_read_in_bytes) {
    EXPECT_EQ(memory_total("MemFree: 1 kB\nMemTotal:       24683952 kB\n"), std::uint64_t{24683952} * 1024);
    EXPECT_EQ(memory_total("MemTotal: many\n"), std::nullopt);
}

TEST(Limits, of_this_machine_can_be_read) {
    EXPECT_FALSE(cpus_by_affinity().empty());
    EXPECT_GT(memory_here().value_or(0), 1U << 20);
    EXPECT_GT(free_bytes("/tmp").value_or(0), 0U);
    EXPECT_EQ(free_bytes("/no/such/folder"), std::nullopt);
    EXPECT_EQ(free_files("/no/such/folder"), std::nullopt);
    EXPECT_GE(raise_open_files().value_or(0), 256U);
}

} // namespace

TEST(BatchHost, is_lost_when_slurmctld_says_so_by_its_state) {
    EXPECT_TRUE(is_lost("NodeName=node1 Arch=x86_64\n   State=DOWN+DYNAMIC_NORM ThreadsPerCore=1\n"));
    EXPECT_TRUE(is_lost("   State=MIXED* ThreadsPerCore=1\n"));
    EXPECT_TRUE(is_lost("   State=MIXED+NOT_RESPONDING ThreadsPerCore=1\n"));
    EXPECT_FALSE(is_lost("   State=MIXED+DRAIN ThreadsPerCore=1\n   Comment=*"));
    EXPECT_FALSE(is_lost("Node node1 not found\n"));
    EXPECT_FALSE(is_lost(""));
}

} // namespace railhead
