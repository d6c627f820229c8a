#include "topology/draw.hpp"

#include "fabric_rig.hpp"

using namespace railhead::topology;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr const char *orange = "fill=\"#f28e2b\"", *frame = "stroke-width=\"3\"";

/// The box of that node, with what is drawn around it.
std::string drawn(const std::string& picture, const std::string& node) {
    auto at = picture.find("<title>" + node);
    EXPECT_NE(at, picture.npos) << node;
    auto begin = picture.rfind("<rect", at);
    return picture.substr(begin, picture.find("<text", at) - begin);
}

std::string picture_of(const Mapped& mapped, const std::vector<std::string>& marked) {
    return draw(mapped.fabric, mapped.hosts, mapped.map,
                cabling_findings(mapped.fabric, mapped.hosts, mapped.map), marked);
}

} // namespace

TEST(Draw, shows_of_a_node_both_its_finding_and_its_mark) {
    Mapped mapped(Synth{.nodes = 4, .rails = 2, .unit = 4, .spines = 0, .faults = {"lost-cable"}});
    auto picture = picture_of(mapped, {"node3", "node4"}); // node3 has lost a cable
    EXPECT_THAT(drawn(picture, "node3"), AllOf(HasSubstr(orange), HasSubstr(frame)));
    EXPECT_THAT(drawn(picture, "node4"), AllOf(Not(HasSubstr(orange)), HasSubstr(frame)));
    EXPECT_THAT(drawn(picture, "node2"), Not(HasSubstr(frame)));
    EXPECT_THAT(drawn(picture, "marked, with a finding"), AllOf(HasSubstr(orange), HasSubstr(frame)));
    EXPECT_THAT(drawn(picture, "marked</title>"), AllOf(Not(HasSubstr(orange)), HasSubstr(frame)));
    EXPECT_THAT(picture_of(mapped, {"node4"}), Not(HasSubstr("marked, with a finding")));
}

TEST(Draw, says_a_finding_on_a_line_of_its_own) {
    Mapped mapped(Synth{.nodes = 4, .rails = 2, .unit = 4, .spines = 0, .faults = {"lost-cable"}});
    EXPECT_THAT(picture_of(mapped, {}), HasSubstr("<title>node3&#10;node3: has no cable"));
}

TEST(Draw, counts_one_as_one) {
    EXPECT_THAT(picture_of(Mapped(Synth{.nodes = 4, .rails = 2, .unit = 4, .spines = 1}), {}),
                HasSubstr(": 1 leaf group, 1 spine<"));
}
