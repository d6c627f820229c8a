#include "topology/check.hpp"

#include <gmock/gmock.h>

#include <fmt/core.h>

using namespace railhead::topology;
using railhead::Level;
using railhead::sentence;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

constexpr const char* good =
    "SwitchName=su1 Nodes=n[1-2]\nSwitchName=su2 Nodes=n[3-4]\nSwitchName=root Switches=su[1-2]\n";

std::vector<std::string> judged(const std::string& text, const CheckOptions& options = {}) {
    auto conf = read_topology_conf(text);
    EXPECT_TRUE(conf) << sentence(conf.error());
    std::vector<std::string> found;
    for (const auto& finding : check(*conf, options))
        found.push_back((finding.level == Level::fail ? "error: " : "warning: ") + sentence(finding) + " [" +
                        finding.id + "]");
    return found;
}

} // namespace

TEST(Check, has_nothing_to_say_of_a_file_that_is_right) {
    EXPECT_THAT(judged(good), IsEmpty());
    EXPECT_THAT(judged("BlockName=b1 Nodes=n[1-4]\nBlockName=b2 Nodes=n[5-8]\nBlockSizes=4,8\n"), IsEmpty());
    EXPECT_THAT(judged(good, {.nodes = {{"n1", "n2", "n3", "n4"}}}), IsEmpty());
}

TEST(Check, names_what_slurm_refuses) {
    EXPECT_THAT(judged(""), ElementsAre("error: the file has neither switches nor blocks [empty]"));
    EXPECT_THAT(judged("SwitchName=" + std::string(65, 'x') + " Nodes=n1\n"),
                ElementsAre(HasSubstr("has 65 characters (expected at most 64) [name]")));
    EXPECT_THAT(judged("SwitchName=a Nodes=n1\nSwitchName=a Nodes=n2\nSwitchName=r Switches=a\n"),
                ElementsAre("error: line 2: a is defined on line 1 as well [name-twice]"));
    EXPECT_THAT(judged("SwitchName=a Nodes=n1\nSwitchName=r Switches=a,b\n"),
                ElementsAre("error: line 2: b is no switch of this file [switch-unknown]"));
    EXPECT_THAT(judged("SwitchName=a\n", {.slurm = 2411}),
                ElementsAre("error: line 1: a has neither Nodes nor Switches [no-children]"));
    EXPECT_THAT(judged(std::string(good) + "BlockName=b Nodes=n1\n"),
                ElementsAre("error: line 4: the file has switches and blocks (expected one kind, as "
                            "TopologyPlugin says) [mixed]"));
}

TEST(Check, holds_each_release_to_its_own_rules) {
    auto levels = [](const std::string& text, const char* id) {
        std::string found; // of 22.05, 24.11 and 26.05
        for (auto release : {2205U, 2411U, 2605U})
            for (const auto& each : judged(text, {.slurm = release}))
                if (each.ends_with(fmt::format("[{}]", id))) found += each.substr(0, each.find(':')) + " ";
        return found;
    };
    EXPECT_EQ(levels("SwitchName=a Nodes=n1\nSwitchName=b Nodes=n2 Switches=a\n", "nodes-and-switches"),
              "error error error ");
    EXPECT_EQ(levels("", "empty"), "warning warning error ");
    EXPECT_EQ(levels("SwitchName=a\n", "no-children"), "error error warning ");
    EXPECT_EQ(levels("SwitchName=" + std::string(65, 'x') + " Nodes=n1\n", "name"), "warning error error ");
    EXPECT_EQ(levels("BlockName=a Nodes=n[1-2]\nBlockName=b Nodes=n3\n", "block-size"),
              "error error warning ");
    EXPECT_THAT(
        judged("BlockName=a Nodes=n1\n", {.slurm = 2205}),
        ElementsAre(
            "error: line 1: BlockName is unknown to this Slurm (expected 24.05 or later) [block-unknown]"));
    EXPECT_THAT(judged("BlockName=a Nodes=n1\nBlockSizes=1\n", {.slurm = 2311}),
                ElementsAre("error: line 1: BlockName goes with BlockLevels in this Slurm, which knows no "
                            "BlockSizes (expected 24.05 or later) [block-unknown]"));
    EXPECT_THAT(judged("BlockName=a Nodes=n1\nBlockSizes=1\n", {.slurm = 2405}), IsEmpty());
}

TEST(Check, warns_of_what_slurm_makes_something_else_of) {
    EXPECT_THAT(judged("SwitchName=a Nodes=n[1-3]\nSwitchName=b Nodes=n[2-4]\nSwitchName=r Switches=a,b\n"),
                ElementsAre("warning: line 2: n[2-3] are on a as well, and Slurm takes the last (expected "
                            "one leaf for each node) [two-leaves]"));
    EXPECT_THAT(judged("SwitchName=a Nodes=n1\nSwitchName=b Nodes=n2\n"),
                ElementsAre("warning: 2 switches (a,b) are below no other, so no job spans what is below two "
                            "of them (expected one root, unless "
                            "that is meant) [no-common-root]"));
    EXPECT_THAT(judged("SwitchName=a Nodes=n1\nSwitchName=b Nodes=n2\nSwitchName=b Nodes=n3\n"),
                testing::Contains(HasSubstr("2 switches (a,b) are below no other")))
        << "one that comes twice counts once";
    EXPECT_THAT(
        judged("SwitchName=a Nodes=n1\nSwitchName=r Switches=a\nSwitchName=s Switches=a,r\n"),
        ElementsAre(
            "warning: line 3: a is below another switch on line 2 (expected one parent) [two-parents]"));
}

TEST(Check, says_of_spines_over_the_same_leaves_once_what_they_are) {
    EXPECT_THAT(judged("SwitchName=a Nodes=n1\nSwitchName=b Nodes=n2\nSwitchName=s1 Switches=a,b\n"
                       "SwitchName=s2 Switches=a,b\n"),
                ElementsAre("warning: line 4: a,b are below another switch on line 3 or before (expected one "
                            "parent) [two-parents]"))
        << "a line for each spine, and a job spans what is below one of them";
}

TEST(Check, finds_cycles_and_towers) {
    EXPECT_THAT(
        judged("SwitchName=a Switches=b\nSwitchName=b Switches=a\n"),
        ElementsAre(
            "error: line 1: a is below itself, or so far above a leaf that slurmctld gives up after 21 "
            "passes over the file (expected a tree); have each switch stand behind those below it "
            "[levels]"));
    EXPECT_THAT(judged("SwitchName=a Switches=a\n"),
                testing::Contains("error: line 1: a is below itself [cycle]"));
    std::string upwards = "SwitchName=s0 Nodes=n1\n", downwards = upwards;
    for (int i = 1; i <= 24; ++i) {
        auto line = fmt::format("SwitchName=s{} Switches=s{}\n", i, i - 1);
        upwards += line;
        downwards = line + downwards;
    }
    EXPECT_THAT(judged(upwards), IsEmpty()) << "one pass settles them all";
    EXPECT_THAT(judged(downwards), ElementsAre(HasSubstr("[levels]")));
}

TEST(Check, holds_block_sizes_against_the_blocks) {
    auto blocks = std::string("BlockName=b1 Nodes=n[1-4]\nBlockName=b2 Nodes=n[5-7]\n");
    EXPECT_THAT(judged(blocks + "BlockSizes=4\n", {.slurm = 2411}),
                ElementsAre("error: line 3: BlockSizes=4 is more than block b2 has (3 nodes) (expected at "
                            "most 3) [block-size]"));
    EXPECT_THAT(
        judged(blocks + "BlockSizes=3,9\n"),
        ElementsAre("error: line 3: BlockSizes=9 is not the first size times a power of two [block-size]"));
}

TEST(Check, compares_with_the_nodes_that_slurm_has) {
    EXPECT_THAT(
        judged(good, {.nodes = {{"n1", "n2", "n3", "n9", "n10"}}}),
        ElementsAre("warning: line 2: n4 is no node of Slurm's; take the name out, or define the node in "
                    "slurm.conf [node-unknown]",
                    "warning: n[9-10] are in no leaf, so no job of several nodes starts there; add a "
                    "leaf for what is not in the fabric "
                    "[node-missing]"));
}

TEST(Check, says_of_a_plugin_that_does_not_read_the_file_what_it_must_be) {
    const std::string tree = "SwitchName=a Nodes=n1\n", block = "BlockName=b Nodes=n1\nBlockSizes=1\n";
    auto said = [](const std::string& text, const std::string& set) {
        const auto found = check_plugin(text, set);
        return found ? sentence(*found) : std::string();
    };
    EXPECT_EQ(said(tree, "topology/tree"), "");
    EXPECT_EQ(said(block, "Topology/Block"), "");
    EXPECT_EQ(said(tree, ""), "slurm.conf has no TopologyPlugin, so it is the default one, which reads no "
                              "topology.conf (expected TopologyPlugin=topology/tree); set it, and start "
                              "slurmctld and each slurmd again");
    for (const auto* other : {"topology/flat", "topology/none", "topology/block"})
        EXPECT_THAT(said(tree, other), HasSubstr(fmt::format("has TopologyPlugin={}, which", other)));
    EXPECT_THAT(said(block, "topology/tree"), HasSubstr("(expected TopologyPlugin=topology/block)"));
    EXPECT_EQ(said("---\n- topology: default\n  cluster_default: true\n  flat: true\n", ""), "");
}
