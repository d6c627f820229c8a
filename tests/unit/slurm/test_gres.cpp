#include "slurm/gres.hpp"

#include <gmock/gmock.h>

using railhead::GresItem;
using railhead::NodeGres;
using railhead::parse_node_gres;
using railhead::parse_tres;
using railhead::Per;

namespace {

struct TresCase {
    const char* option;
    const char* text;
    std::vector<GresItem> items;
};

GresItem gpu(const char* type, std::uint64_t count, const char* spelling) {
    return {"gpu", type, Per::node, count, spelling};
}

std::string tres_refusal(const char* text) {
    auto items = parse_tres(text, Per::node);
    return items ? "accepted" : sentence(items.error());
}

std::string node_refusal(const char* text) {
    auto gres = parse_node_gres(text);
    return gres ? "accepted" : sentence(gres.error());
}

} // namespace

TEST(Tres, reads_every_spelling_of_every_version) {
    const TresCase cases[] = {
        {"none", "", {}},
        {"22.05 --gpus=16", "gres:gpu:16", {gpu("", 16, "gres:gpu:16")}},
        {"24.11 --gpus=16", "gres/gpu:16", {gpu("", 16, "gres/gpu:16")}},
        {"22.05 --gres=gpu:h100:8", "gres:gpu:h100:8", {gpu("h100", 8, "gres:gpu:h100:8")}},
        {"24.11 --gres=gpu:h100:8", "gres/gpu:h100:8", {gpu("h100", 8, "gres/gpu:h100:8")}},
        {"--gres=gpu", "gres/gpu", {gpu("", 1, "gres/gpu")}},
        {"--gres=gpu:h100", "gres:gpu:h100", {gpu("h100", 1, "gres:gpu:h100")}},
        {"22.05 both options",
         "gres:gpu:a100:4,gres:gpu:h100:1",
         {gpu("a100", 4, "gres:gpu:a100:4"), gpu("h100", 1, "gres:gpu:h100:1")}},
        {"twice the same type: the last",
         "gres/gpu:h100:9,gres/gpu:h100:2",
         {{"gpu", "h100", Per::node, 2, "gres/gpu:h100:2", NodeOption::gpus_per_node, 9}}},
        {"--gpus-per-task with -c2", "cpu=2,gres/gpu:h100=1", {gpu("h100", 1, "gres/gpu:h100=1")}},
        {"--tres-per-task", "gres/gpu=1", {gpu("", 1, "gres/gpu=1")}},
        {"--tres-per-task with a colon", "gres/gpu:1", {gpu("", 1, "gres/gpu:1")}},
        {"a type that begins with digits", "gres/gpu:2080ti:2", {gpu("2080ti", 2, "gres/gpu:2080ti:2")}},
        {"such a type alone", "gres/gpu:2080ti", {gpu("2080ti", 1, "gres/gpu:2080ti")}},
        {"a MIG type", "gres/gpu:a100_3g.20gb:1", {gpu("a100_3g.20gb", 1, "gres/gpu:a100_3g.20gb:1")}},
        {"a count of none", "gres/gpu:h100:0", {}},
        {"--gres=none", "gres:none", {}},
        {"other TRES", "license/a:1,bb/x=2,cpu=4", {}},
        {"another GRES", "gres/shard:2k", {{"shard", "", Per::node, 2048, "gres/shard:2k"}}},
        {"decimal suffix", "gres/nic:1MB", {{"nic", "", Per::node, 1'000'000, "gres/nic:1MB"}}},
    };
    for (const auto& each : cases) {
        auto items = parse_tres(each.text, Per::node);
        ASSERT_TRUE(items) << each.option << ": " << sentence(items.error());
        EXPECT_EQ(*items, each.items) << each.option;
    }
    EXPECT_EQ(parse_tres("gres/gpu:2", Per::task).value().at(0).per, Per::task);
}

TEST(Tres, says_where_it_cannot_be_read) {
    EXPECT_EQ(tres_refusal("gres/gpu:"),
              "character 9: GRES \"gres/gpu:\" ends with ':' (expected NAME[:TYPE][:COUNT])");
    EXPECT_EQ(tres_refusal("cpu=2,gres/gpu=x"),
              "character 16: GRES \"cpu=2,gres/gpu=x\" has the count \"x\" (expected NAME[:TYPE][:COUNT])");
    EXPECT_EQ(tres_refusal("gres/gpu::8"),
              "character 10: GRES \"gres/gpu::8\" has an empty type (expected NAME[:TYPE][:COUNT])");
    EXPECT_EQ(tres_refusal("gres:"),
              "character 6: GRES \"gres:\" has no name (expected NAME[:TYPE][:COUNT])");
    EXPECT_EQ(tres_refusal("gres/gpu:a:b:2"),
              "character 11: GRES \"gres/gpu:a:b:2\" has too many fields (expected NAME[:TYPE][:COUNT])");
    EXPECT_EQ(tres_refusal("gres/gpu:-1"),
              "character 10: GRES \"gres/gpu:-1\" has the count \"-1\" (expected NAME[:TYPE][:COUNT])");
    EXPECT_EQ(tres_refusal("gres/gpu=99999999999999999999"),
              "character 10: GRES \"gres/gpu=99999999999999999999\" has the count \"99999999999999999999\" "
              "(expected NAME[:TYPE][:COUNT])");
}

TEST(NodeGres, reads_what_a_node_has) {
    const std::pair<const char*, std::vector<NodeGres>> cases[] = {
        {"", {}},
        {"(null)", {}},
        {"gpu:8", {{"gpu", "", 8}}},
        {"gpu:h100:8(S:0-1)", {{"gpu", "h100", 8}}},
        {"gpu:h100:4(S:0),gpu:h100:4(S:1),nic:2", {{"gpu", "h100", 8}, {"nic", "", 2}}},
        {"gpu:h100:8(S:0,1),nic:2", {{"gpu", "h100", 8}, {"nic", "", 2}}},
        {"gpu:a100:2,gpu:h100:4", {{"gpu", "a100", 2}, {"gpu", "h100", 4}}},
        {"lustre:no_consume:4G", {{"lustre", "", 4ull << 30}}},
        {"gpu:h100:no_consume:8", {{"gpu", "h100", 8}}},
    };
    for (const auto& [text, gres] : cases) {
        auto read = parse_node_gres(text);
        ASSERT_TRUE(read) << text << ": " << sentence(read.error());
        EXPECT_EQ(*read, gres) << text;
    }
}

TEST(NodeGres, says_where_it_cannot_be_read) {
    EXPECT_EQ(node_refusal("gpu:8(S:0"),
              "character 6: GRES \"gpu:8(S:0\" has no closing ) (expected NAME[:TYPE][:COUNT])");
    EXPECT_EQ(node_refusal("nic:1,:8"),
              "character 7: GRES \"nic:1,:8\" has no name (expected NAME[:TYPE][:COUNT])");
    EXPECT_THAT(node_refusal("gpu:18446744073709551615,gpu:1"), testing::HasSubstr("more than 64 bits hold"));
}
