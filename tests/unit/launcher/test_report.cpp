#include "launcher/supervisor/report.hpp"

#include "launcher/json.hpp"
#include "launcher/supervisor/console.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Report, says_once_what_several_nodes_say_alike) {
    Report report;
    report.exit_code = 102;
    for (std::string node : {"node2", "node3", "node4"})
        report.victims.push_back({.node = node, .sentence = node + ": ports 1-9 are all taken"});
    report.victims.push_back({.node = "node4", .sentence = "node4: it was killed"});
    report.victims.push_back({.sentence = "the step ended"});
    report.victims.push_back({.sentence = "the step ended"});
    EXPECT_THAT(summary_of(report),
                AllOf(Contains("then: node[2-4]: ports 1-9 are all taken"),
                      Contains("then: node4: it was killed"), Contains("then: the step ended").Times(2),
                      Not(Contains(StartsWith("then: node2")))));
}

TEST(Report, tells_on_how_many_of_the_jobs_nodes_it_was) {
    Report report;
    report.recipe = "run";
    const auto last = [&] { return summary_of(report).back(); };
    EXPECT_EQ(last(), "run: 0.0 s in all, exit code 0");
    report.nodes = {{.name = "node1"}};
    EXPECT_EQ(last(), "run on 1 node: 0.0 s in all, exit code 0");
    report.job_nodes = 1;
    EXPECT_EQ(last(), "run on 1 node: 0.0 s in all, exit code 0");
    report.job_nodes = 4;
    EXPECT_EQ(last(), "run on 1 of 4 nodes: 0.0 s in all, exit code 0") << "the other agents never answered";
}

TEST(Report, is_json_whatever_bytes_it_tells_of) {
    Report report;
    report.log_dir = "l\xff";
    report.cause.log_tail = {"caf\xe9"};
    auto read = nlohmann::json::parse(json_text(to_json(report), 2));
    EXPECT_EQ(read.at("log_dir"), "l\uFFFD");
    EXPECT_EQ(read.at("cause").at("log_tail").at(0), "caf\uFFFD");
}

TEST(Console, prints_a_plan_whatever_bytes_it_has) {
    Plan plan;
    plan.notes = {"l\xff"};
    testing::internal::CaptureStdout();
    Console::print_plan(plan);
    EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("l\uFFFD"));
}

TEST(Console, reports_as_json_whatever_bytes_there_are) {
    Report report;
    report.log_dir = "l\xff";
    testing::internal::CaptureStderr();
    Console(Console::Style::json).report(report);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("l\uFFFD"));
}
