#include "topology/readers.hpp"

#include "fabric_rig.hpp"
#include "topology/cabling.hpp"

#include <gmock/gmock.h>

using namespace railhead::topology;
using railhead::sentence;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

/// In the form of ibnetdiscover, written by hand.
constexpr const char* small = R"(#
# Topology file: generated on Thu Nov 26 10:00:00 2026
#
# Initiated from node 98039b0300000010 port 98039b0300000011

vendid=0x2c9
devid=0xd2f0
sysimgguid=0xc42a10300000010
switchguid=0xc42a10300000010(c42a10300000010)
Switch	41 "S-0c42a10300000010"		# "MF0;leaf1:MQM8700/U1" enhanced port 0 lid 12 lmc 0
[1]	"H-98039b0300000010"[1](98039b0300000011) 		# "node1 mlx5_0" lid 5 4xHDR
[2]	"H-98039b0300000020"[1](98039b0300000021) 		# "node2 mlx5_0" lid 6 2xHDR

vendid=0x2c9
devid=0x101b
sysimgguid=0x98039b0300000010
caguid=0x98039b0300000010
Ca	1 "H-98039b0300000010"		# "node1 mlx5_0"
[1](98039b0300000011) 	"S-0c42a10300000010"[1]		# lid 5 lmc 0 "MF0;leaf1:MQM8700/U1" lid 12 4xHDR

vendid=0x2c9
devid=0x101b
sysimgguid=0x98039b0300000020
caguid=0x98039b0300000020
Ca	1 "H-98039b0300000020"		# "node2 mlx5_0"
[1](98039b0300000021) 	"S-0c42a10300000010"[2]		# lid 6 lmc 0 "MF0;leaf1:MQM8700/U1" lid 12 2xHDR
)";

std::string refusal(const std::string& text) {
    auto read = read_ibnetdiscover(Text(text));
    return read ? "read" : sentence(read.error());
}

} // namespace

TEST(Ibnetdiscover, is_read_with_each_cable_once) {
    auto fabric = read_ibnetdiscover(Text(small));
    ASSERT_TRUE(fabric) << sentence(fabric.error());
    ASSERT_THAT(fabric->devices, SizeIs(3));
    EXPECT_EQ(fabric->devices[0].kind, DeviceKind::network_switch);
    EXPECT_EQ(fabric->devices[0].description, "MF0;leaf1:MQM8700/U1");
    EXPECT_EQ(fabric->devices[1].guid, 0x98039b0300000010U);
    EXPECT_EQ(fabric->devices[1].system_guid, 0x98039b0300000010U);
    EXPECT_EQ(fabric->devices[1].description, "node1 mlx5_0");
    ASSERT_THAT(fabric->links, SizeIs(2));
    EXPECT_EQ(fabric->links[1].a_port, 2);
    EXPECT_EQ(fabric->links[1].rate, (Rate{2, 500}));
    EXPECT_THAT(fabric->findings, IsEmpty());
}

TEST(Ibnetdiscover, is_read_in_ibdiagnets_dialect) {
    auto fabric = read_ibnetdiscover(
        Text("Switch 41 \"S-0c42a10300000010\" # \"leaf1\" enhanced port 0 lid 12 lmc 0\r\n"
             "[1](1) \"H-98039b0300000010\"[1](98039b0300000011) # \"node \"1\" mlx5_0\" lid 5 4xNDR\r\n"));
    ASSERT_TRUE(fabric) << sentence(fabric.error());
    ASSERT_THAT(fabric->devices, SizeIs(2));
    EXPECT_EQ(fabric->devices[1].description, "node \"1\" mlx5_0") << "its neighbour names it";
    EXPECT_EQ(text_of(fabric->links[0].rate), "4xNDR");
}

TEST(Ibnetdiscover, says_when_the_text_was_cut) {
    const std::string_view text(small);
    auto fabric = read_ibnetdiscover(Text(text.substr(0, text.rfind("vendid="))));
    ASSERT_TRUE(fabric) << sentence(fabric.error());
    ASSERT_THAT(fabric->findings, SizeIs(1));
    EXPECT_EQ(sentence(fabric->findings[0]), "line 20: a device (\"node2 mlx5_0\") is named in the text "
                                             "and not described to its end, so what else "
                                             "it joins is unknown (expected all of what ibnetdiscover "
                                             "prints); save its output again, to its end");
}

TEST(Ibnetdiscover, names_the_line_that_it_cannot_read) {
    EXPECT_EQ(refusal("[1]\t\"H-98\"[1]\n"), "line 1: \"[1]\t\"H-98\"[1]\" cannot be read (expected a line "
                                             "of Switch or Ca before the lines of its ports)");
    auto cut = std::string(small).substr(0, std::string(small).find("node2") - 25);
    EXPECT_THAT(refusal(cut + "\n"), testing::MatchesRegex("line 12: .* cannot be read .expected .port. .*"));
    EXPECT_THAT(refusal("Switch\t41 \"X-12\"\n"), testing::HasSubstr("line 1: "));
    EXPECT_THAT(refusal("Switch\t41 \"S-12345678901234567\"\n"), testing::HasSubstr("line 1: "));
    EXPECT_EQ(refusal("SwitchName=a Nodes=b\n"),
              "the text has no switch or adapter in 1 lines (expected what ibnetdiscover prints)");
    EXPECT_EQ(refusal(""),
              "the text has no switch or adapter in 0 lines (expected what ibnetdiscover prints)");
}

TEST(Ibnetdiscover, leaves_out_what_other_programs_wrote_between_with_a_finding) {
    auto fabric = read_ibnetdiscover(Text(std::string("ibwarn: [77] no such port\n") + small));
    ASSERT_TRUE(fabric);
    ASSERT_THAT(fabric->findings, SizeIs(1));
    EXPECT_EQ(sentence(fabric->findings[0]), "line 1: one line is none of ibnetdiscover's and was left out");
}

TEST(Ibnetdiscover, shows_no_control_characters) {
    EXPECT_THAT(refusal("Switch\t4 \"S-1\"\n[1] \x1b[31mfoo\n"),
                testing::HasSubstr("line 2: \"[1] ?[31mfoo\" "));
}

TEST(Ibnetdiscover, has_one_cable_on_a_port) {
    const auto whole = *synthesize({.nodes = 16, .rails = 2, .unit = 8, .spines = 2});
    // The leaf of the first node says that its port is cabled to the ninth node.
    auto text = whole;
    const auto box = [&](const char* description) {
        const auto at = text.find(fmt::format("\"\t\t# \"{}\"", description));
        return text.substr(text.rfind('"', at - 1), at + 1 - text.rfind('"', at - 1));
    };
    const auto leaf = text.find("# \"MF0;su1-leaf1:MQM8700/U1\" enhanced");
    const auto first = box("node01 mlx5_0"), ninth = box("node09 mlx5_0");
    text.replace(text.find(first, leaf), first.size(), ninth);
    const Mapped expected(whole), mapped(text);
    EXPECT_EQ(mapped.fabric.links.size(), expected.fabric.links.size());
    EXPECT_EQ(mapped.conf(), expected.conf());
    EXPECT_THAT(mapped.cabling().size(), expected.cabling().size());
    ASSERT_THAT(mapped.fabric.findings, SizeIs(1));
    EXPECT_THAT(sentence(mapped.fabric.findings[0]),
                testing::MatchesRegex(
                    "line [0-9]+: port [0-9]+ of .* has a cable to .* and, by line [0-9]+, one to .*, the "
                    "first of 2 such ports .*"));
}

TEST(Rate, is_lanes_and_their_speed) {
    EXPECT_EQ(rate_from("4xHDR").gbps_x10(), 2000U);
    EXPECT_EQ(rate_from("12xFDR10"), (Rate{12, 103}));
    for (auto* text : {"", "4", "x", "4x", "4xABC", "xHDR", "300xHDR", "HDR"})
        EXPECT_EQ(rate_from(text), Rate{}) << text;
    for (auto* text : {"4xHDR", "1xSDR", "2xXDR"}) EXPECT_EQ(text_of(rate_from(text)), text);
}
