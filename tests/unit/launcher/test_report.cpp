#include "launcher/supervisor/report.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::AllOf;
using testing::Contains;
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
