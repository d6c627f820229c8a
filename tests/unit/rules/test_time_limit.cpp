#include "rules/time_limit.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

using namespace railhead;
using namespace railhead::example;

namespace time_limit_test {

namespace {

std::string verdict(const JobRequest& job, const Inventory& inventory = cluster()) {
    auto finding = time_limit_rule(job, inventory, inventory.partitions_of(job));
    return finding ? sentence(*finding) : "accepted";
}

} // namespace

namespace {

Inventory with_times(std::optional<std::uint32_t> most, std::optional<std::uint32_t> preset) {
    auto inventory = cluster();
    inventory.partitions[0].max_minutes = most;
    inventory.partitions[0].default_minutes = preset;
    return inventory;
}

JobRequest for_minutes(std::uint32_t minutes) {
    auto job = asks(Per::node, "h100", 8);
    job.time_minutes = minutes;
    return job;
}

} // namespace

TEST(TimeLimit, refuses_more_than_the_partition_allows) {
    auto day = with_times(1440, std::nullopt);
    EXPECT_EQ(verdict(for_minutes(1440), day), "accepted");
    EXPECT_EQ(verdict(for_minutes(1441), day),
              "--time=1-00:01:00 is more than partition gpu allows (1-00:00:00); try --time=1-00:00:00");
    EXPECT_EQ(verdict(for_minutes(UINT32_MAX), day),
              "--time=UNLIMITED is more than partition gpu allows (1-00:00:00); try --time=1-00:00:00");
    auto shrinks = for_minutes(2000);
    shrinks.time_min_minutes = 60;
    EXPECT_EQ(verdict(shrinks, day), "accepted") << "Slurm may shorten it";
}

TEST(TimeLimit, accepts_where_a_qos_may_lift_it_or_another_partition_allows_it) {
    auto day = with_times(1440, std::nullopt);
    EXPECT_EQ(verdict(in(for_minutes(2000), {"gpu", "untyped"}), day), "accepted");
    day.qos_lifts.time = true;
    EXPECT_EQ(verdict(for_minutes(2000), day), "accepted");
}

TEST(TimeLimit, names_a_partition_that_allows_it) {
    auto inventory = with_times(60, std::nullopt);
    inventory.partitions[3].max_minutes = 600;
    auto job = asks(Per::node, "", 4);
    job.time_minutes = 300;
    EXPECT_EQ(verdict(job, inventory),
              "--time=05:00:00 is more than partition gpu allows (60); try --time=60 or --partition=a100 or "
              "--partition=mixed or --partition=untyped");
    job.modify = true;
    EXPECT_EQ(verdict(in(job, {"gpu"}), inventory).substr(0, 75),
              "timelimit=05:00:00 is more than partition gpu allows (60); try timelimit=60");
}

TEST(TimeLimit, warns_of_a_short_default) {
    EXPECT_EQ(verdict({}, with_times(1440, 30)),
              "no time limit is given, so partition gpu ends the job after 30 "
              "minutes; add --time=D-HH:MM:SS, at most 1-00:00:00");
    EXPECT_EQ(verdict({}, with_times(1440, 61)), "accepted");
    EXPECT_EQ(verdict({}, with_times(30, 30)), "accepted") << "there is no more to have";
    EXPECT_EQ(verdict(for_minutes(5), with_times(1440, 30)), "accepted");
}

} // namespace time_limit_test
