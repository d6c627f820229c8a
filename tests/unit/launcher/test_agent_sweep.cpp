#include "launcher/agent/sweep.hpp"

#include <gtest/gtest.h>

namespace railhead {
namespace {

TEST(StepTarget, is_a_job_or_a_step) {
    auto step = step_target_from("17.3"), job = step_target_from("17");
    ASSERT_TRUE(step && job);
    EXPECT_EQ(step->job + "/" + step->step, "17/3");
    EXPECT_EQ(job->job + "/" + job->step, "17/");
}

TEST(StepTarget, is_nothing_else) {
    for (auto* text : {"", ".", "17.", ".3", "17.batch", "17.3.1", "../17"}) {
        auto target = step_target_from(text);
        ASSERT_FALSE(target) << text;
        EXPECT_EQ(sentence(target.error()),
                  "the step is \"" + std::string(text) + "\" (expected JOBID or JOBID.STEPID, both numbers)");
    }
}

} // namespace
} // namespace railhead
