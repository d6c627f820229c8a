#include "rules/judge.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace judge_exceptions_test {

namespace {

Finding first(const JobRequest& job, const Inventory& inventory, const Settings& settings = {}) {
    return judge(job, inventory, settings).findings.at(0);
}

} // namespace

TEST(JudgeExceptions, lets_a_running_job_be_lowered_to_what_would_not_start) { // 22.05, 24.11 and 26.05 do
    auto limited = cluster();
    for (auto& partition : limited.partitions) {
        partition.max_minutes = 60;
        partition.min_nodes = 2;
        partition.max_nodes = 2;
    }
    auto level = [&](const JobRequest& job) { return first(job, limited).level; };
    JobRequest shorter;
    shorter.modify = true;
    shorter.time_minutes = 90;
    EXPECT_EQ(level(shorter), Level::warn);
    EXPECT_EQ(level(in(shorter, {"gpu"})), Level::fail) << "only a pending job changes its partition";
    for (std::uint32_t nodes : {1u, 3u}) {
        auto narrower = on({}, nodes);
        narrower.modify = true;
        EXPECT_EQ(level(narrower), Level::warn) << nodes;
        EXPECT_EQ(level(in(narrower, {"gpu"})), Level::fail) << nodes;
    }
    auto nowhere = on({}, 40);
    nowhere.modify = true;
    EXPECT_EQ(level(nowhere), Level::fail);
}

TEST(JudgeExceptions,
     knows_exempt_accounts_and_qos_as_slurm_does) { // 24.11 runs -A OPS -q HIGH as ops and high
    Settings exempt;
    ASSERT_TRUE(exempt.set(Key::submit_exempt_accounts, "ops,Lab", {Origin::Kind::site, "test"}));
    ASSERT_TRUE(exempt.set(Key::submit_exempt_qos, "high", {Origin::Kind::site, "test"}));
    auto silent = [&](const JobRequest& job) { return judge(job, cluster(), exempt).findings.empty(); };
    auto wrong = asks(Per::node, "a100", 1);
    for (const char* account : {"OPS", "lab", "LAB"}) {
        auto job = wrong;
        job.account = account;
        EXPECT_TRUE(silent(job)) << account;
    }
    auto job = wrong;
    job.qos = "low,HIGH";
    EXPECT_TRUE(silent(job));
    job.qos = "higher";
    EXPECT_FALSE(silent(job));
}

TEST(JudgeExceptions, proposes_nothing_for_nodes_that_it_does_not_know) {
    auto job = on(asks(Per::job, "", 9), 1);
    job.nodelist = "switch{leaf1}";
    EXPECT_EQ(first(job, cluster()).next, "ask for less, or name fewer nodes");
}

} // namespace judge_exceptions_test
