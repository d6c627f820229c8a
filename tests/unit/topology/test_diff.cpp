#include "topology/diff.hpp"

#include <gmock/gmock.h>

using namespace railhead::topology;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

constexpr const char* before =
    "SwitchName=su1 Nodes=n[1-4]\nSwitchName=su2 Nodes=n[5-8]\nSwitchName=root Switches=su[1-2]\n";

std::vector<std::string> changes_to(const std::string& now) {
    std::vector<std::string> found;
    for (const auto& change : diff(*read_topology_conf(before), *read_topology_conf(now)))
        found.push_back(sentence(change));
    return found;
}

} // namespace

TEST(Diff, of_the_same_nodes_in_the_same_groups_is_empty_whatever_the_lines) {
    EXPECT_THAT(changes_to("SwitchName=root Switches=su1,su2\nSwitchName=su2 "
                           "Nodes=n8,n7,n[5-6]\nSwitchName=su1 Nodes=n[1-2,3-4]\n"),
                IsEmpty());
}

TEST(Diff, names_nodes_that_move_come_and_go) {
    EXPECT_THAT(changes_to("SwitchName=su1 Nodes=n[1-3]\nSwitchName=su2 Nodes=n[4-7],n9\nSwitchName=root "
                           "Switches=su[1-2]\n"),
                ElementsAre("n4 moves from su1 to su2", "n9 is new in su2", "n8 is gone from su2"));
}

TEST(Diff, names_the_sizes_of_blocks) {
    auto blocks = [](const std::string& sizes) {
        return *read_topology_conf("BlockName=a Nodes=n[1-4]\nBlockName=b Nodes=n[5-8]\n" + sizes);
    };
    auto changes = diff(blocks("BlockSizes=4\n"), blocks("BlockSizes=2,4\n"));
    ASSERT_THAT(changes, testing::SizeIs(1));
    EXPECT_EQ(sentence(changes[0]), "BlockSizes is 2,4 (was: 4)");
    EXPECT_THAT(diff(blocks("BlockSizes=4\n"), blocks("BlockSizes=4\n")), IsEmpty());
}

TEST(Diff, takes_a_group_under_another_name_for_the_same) {
    EXPECT_THAT(
        changes_to(
            "SwitchName=a Nodes=n[1-4]\nSwitchName=su2 Nodes=n[5-8]\nSwitchName=root Switches=a,su2\n"),
        ElementsAre("su1 is called a"));
}

TEST(Diff, tells_names_that_were_swapped) {
    EXPECT_THAT(
        changes_to(
            "SwitchName=su2 Nodes=n[1-4]\nSwitchName=su1 Nodes=n[5-8]\nSwitchName=root Switches=su[1-2]\n"),
        ElementsAre("su1 is called su2", "su2 is called su1"));
}

TEST(Diff, tells_what_joins_a_group_now) {
    EXPECT_THAT(changes_to("SwitchName=su1 Nodes=n[1-4]\nSwitchName=su2 Nodes=n[5-8]\nSwitchName=pod "
                           "Switches=su2\nSwitchName=root Switches=su1,pod\n"),
                ElementsAre("su2 is below pod, root (was: root)"));
    EXPECT_THAT(changes_to("SwitchName=su1 Nodes=n[1-4]\nSwitchName=su2 Nodes=n[5-8]\n"),
                ElementsAre("su1 is below nothing (was: root)", "su2 is below nothing (was: root)"));
}

TEST(Diff, sends_no_escape_of_a_file_to_the_terminal) {
    EXPECT_EQ(sentence(Change{.kind = Change::Kind::renamed, .from = "a\x1b[2J", .to = "b"}),
              "a?[2J is called b");
    EXPECT_EQ(railhead::sentence(railhead::Finding{.thing = "a\x1b[2J", .seen = "is wrong"}),
              "a?[2J is wrong");
}
