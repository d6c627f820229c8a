#include "rules/verdict_line.hpp"

#include <gtest/gtest.h>

namespace railhead {
namespace {

TEST(VerdictLine, is_read_back_from_the_log) {
    JobRequest job;
    job.partitions = {"gpu", "big"};
    Finding finding{.id = "gpu-type", .level = Level::fail, .thing = "gpu:a100", .seen = "is: not there"};
    auto line = "[2026-11-25T08:00:00.123] job_submit/railhead: " + verdict_line(finding, job, 1001);
    EXPECT_EQ(verdict_in(line), (Verdict{"gpu-type", true, 1001, "gpu,big"}));
    finding.level = Level::warn;
    job.partitions.clear();
    line = "job_submit/railhead: " + verdict_line(finding, job, 0);
    EXPECT_EQ(verdict_in(line), (Verdict{"gpu-type", false, 0, "(default)"}));
}

TEST(VerdictLine, is_told_from_other_lines) {
    for (auto* line :
         {"", "job_submit/railhead: rule=", "job_submit/railhead: read the changed policy /etc/x",
          "rule=a verdict=refuse user=1 partition=gpu: x",
          "job_submit/railhead: rule=a verdict=maybe user=1 partition=gpu: x",
          "job_submit/railhead: rule=a verdict=warn user=x partition=gpu: x",
          "job_submit/railhead: rule=a verdict=warn user=1 partition=gpu"})
        EXPECT_EQ(verdict_in(line), std::nullopt) << line;
}

} // namespace
} // namespace railhead
