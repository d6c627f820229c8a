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
