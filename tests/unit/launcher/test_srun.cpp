#include "launcher/supervisor/srun.hpp"

#include <gtest/gtest.h>

namespace railhead {
namespace {

TEST(Srun, says_which_node_has_started_its_task) {
    EXPECT_EQ(node_that_started("srun: Node node2, 1 tasks started"), "node2"); // 24.11 and 26.05
    EXPECT_EQ(node_that_started("srun: launch/slurm: _task_start: Node a100-1, 1 tasks started"), "a100-1");
    for (auto* other : {"", "srun: ", "srun: Node , 1 tasks started", "srun: Node node2 tasks started",
                        "Node node2, 1 tasks started", "srun: launching StepId=2.0 on host node1, 1 tasks: 0",
                        "srun: error: node1: task 0: Terminated"})
        EXPECT_EQ(node_that_started(other), std::nullopt) << other;
}

TEST(Srun, says_which_tasks_have_ended_by_themselves) {
    auto ended = tasks_that_ended("srun: error: node[1-2]: tasks 0-1: Exited with exit code 2");
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->nodes, (std::vector<std::string>{"node1", "node2"}));
    EXPECT_EQ(ended->how, "Exited with exit code 2");
    ended = tasks_that_ended("srun: launch/slurm: _task_finish: a100-1: task 1: Completed");
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->nodes, std::vector<std::string>{"a100-1"});
    for (auto* other :
         {"", "srun: ", "srun: error: node1: task 0: Terminated", "srun: StepId=2.0 tasks 0-1,3: running",
          "srun: error: Task launch for StepId=2.0 failed on node node3: Invalid job credential",
          "srun: launching StepId=2.0 on host node1, 1 tasks: 0", "srun: x: task",
          "node1: task 0: Completed"})
        EXPECT_FALSE(tasks_that_ended(other)) << other;
}

TEST(Srun, takes_the_container_of_the_job_or_of_an_option) {
    const Allocation job{.container = "/images/a"};
    EXPECT_EQ(container_of(job, {}), "/images/a");
    EXPECT_EQ(container_of(job, {.srun_args = {"--container-image=c", "--container=/images/b"}}),
              "/images/b");
    EXPECT_EQ(container_of({}, {.srun_args = {"--container", "/images/b"}}), "/images/b");
    EXPECT_EQ(container_of({}, {.srun_args = {"--container"}}), "");
}

TEST(Srun, says_of_a_container_that_nodes_lack_where_that_is) {
    auto said = [](std::string_view words, const std::vector<std::string>& ended = {}) {
        const auto missing = missing_container("/images/a", words, ended);
        return missing ? sentence(*missing) : "";
    };
    EXPECT_EQ(said("srun: error: Task launch for StepId=2.0 failed on node node2: No such file or directory\n"
                   "srun: error: Task launch for StepId=2.0 failed on node node1: No such file or directory\n"
                   "srun: error: Application launch failed: No such file or directory\n"),
              "node[1-2]: the container image /images/a is not there, or not the config.json in it; put it "
              "there on every node, or correct --container"); // 22.05
    EXPECT_EQ(said("bwrap: Can't find source path /images/a: No such file or directory\n", {"node2"}),
              "node2: the container image /images/a is not there; put it there on every node, or correct "
              "--container"); // 24.11
    EXPECT_EQ(said("srun: error: Task launch for StepId=2.0 failed on node node2: Communication connection "
                   "failure\nslurmstepd: error: execve(): /opt/railhead: No such file or directory\n"),
              "");
    EXPECT_EQ(
        said("bwrap: Can't find source path /images/a/rootfs: No such file or directory\n", {"node1"}),
        "node1: the container image /images/a is not whole: /images/a/rootfs is not there; put it there "
        "on every node, or correct --container");
    EXPECT_EQ(said("srun: error: Task launch for StepId=2.0 failed on node node2: Unspecified error\n"),
              "node2: the container image /images/a cannot be used; look at its config.json, and at slurmd's "
              "log there for the reason"); // 22.05, of a config.json that is none
    for (auto* other : {"bwrap: Can't find source path /images/ab: No such file or directory\n",
                        "bwrap: execvp /images/a/bin/railhead: No such file or directory\n",
                        "sh: 1: /other/images/a: No such file or directory\n"})
        EXPECT_EQ(said(other, {"node1"}), "") << other;
    const auto relative = missing_container(
        "a", "srun: error: Task launch for StepId=2.0 failed on node node2: No such file or directory\n", {});
    ASSERT_TRUE(relative);
    EXPECT_EQ(sentence(*relative), "node2: the container image a is not there, or not the config.json in it; "
                                   "give its whole path, from / on");
    EXPECT_FALSE(missing_container("", "x failed on node node1: No such file or directory\n", {}));
}

TEST(Srun, s_remarks_are_told_from_what_it_complains_of) {
    for (auto* remark : {"srun: defined options", "srun: topology/tree: init: topology tree plugin loaded",
                         "srun: Node node2, 1 tasks started", "srun: got SIGCONT"})
        EXPECT_TRUE(is_chatter(remark)) << remark;
    for (auto* telling : {"srun: error: Unable to create step", "srun: fatal: no", "srun: warning: can't run",
                          "slurmstepd: error: *** STEP 2.0", "railhead: an agent's word", ""})
        EXPECT_FALSE(is_chatter(telling)) << telling;
}

} // namespace
} // namespace railhead
