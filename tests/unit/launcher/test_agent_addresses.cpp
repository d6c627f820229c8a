#include "launcher/agent/addresses.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

using testing::ElementsAre;

const std::vector<InterfaceAddress> node{
    {"lo", "127.0.0.1", true}, {"lo", "::1", true}, {"eth0", "192.168.1.5"},  {"eth0", "fe80::1"},
    {"ib0", "10.1.0.5"},       {"ib0", "fd00::5"},  {"docker0", "172.17.0.1"}};

std::vector<std::string> chosen(const AddressPolicy& policy,
                                std::optional<std::string> route = std::nullopt) {
    auto result = choose_addresses(node, policy, route);
    return result ? *result : std::vector<std::string>{sentence(result.error())};
}

TEST(Addresses, begin_with_the_one_that_the_route_to_the_supervisor_takes) {
    EXPECT_THAT(chosen({}, "10.1.0.5"), ElementsAre("10.1.0.5", "192.168.1.5", "fd00::5", "172.17.0.1"));
}

TEST(Addresses, leave_out_loopback_and_link_local_ones) {
    EXPECT_THAT(chosen({}), ElementsAre("192.168.1.5", "10.1.0.5", "fd00::5", "172.17.0.1"));
}

TEST(Addresses, use_loopback_when_there_is_nothing_else) {
    auto result = choose_addresses({{"lo", "127.0.0.1", true}}, {}, std::nullopt);
    ASSERT_TRUE(result);
    EXPECT_THAT(*result, ElementsAre("127.0.0.1"));
}

TEST(Addresses, follow_the_policy_rather_than_the_route) {
    EXPECT_THAT(chosen({.interface = "ib0"}, "192.168.1.5"), ElementsAre("10.1.0.5", "fd00::5"));
    EXPECT_THAT(chosen({.interface = "hsn0,ib*", .ip_version = "4"}), ElementsAre("10.1.0.5"));
    EXPECT_THAT(chosen({.subnet = "192.168.0.0/16"}, "10.1.0.5"), ElementsAre("192.168.1.5"));
    EXPECT_THAT(chosen({.subnet = "fd00::/8"}), ElementsAre("fd00::5"));
    EXPECT_THAT(chosen({.ip_version = "6"}), ElementsAre("fd00::5"));
    EXPECT_THAT(chosen({.interface = "lo", .ip_version = "any"}), ElementsAre("127.0.0.1", "::1"));
}

TEST(Addresses, say_what_the_node_has_when_none_fits) {
    auto result =
        choose_addresses({{"lo", "127.0.0.1", true}, {"eth0", "192.168.1.5"}}, {.interface = "ib0"}, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(sentence(result.error()),
              "no address can be announced: the node has lo 127.0.0.1, eth0 192.168.1.5 (expected "
              "launch.interface ib0); change that setting");
}

TEST(Subnet, holds_addresses_by_their_first_bits) {
    EXPECT_TRUE(in_subnet("10.1.2.3", "10.1.0.0/16"));
    EXPECT_FALSE(in_subnet("10.2.2.3", "10.1.0.0/16"));
    EXPECT_TRUE(in_subnet("10.1.3.255", "10.1.2.0/23"));
    EXPECT_FALSE(in_subnet("10.1.4.0", "10.1.2.0/23"));
    EXPECT_TRUE(in_subnet("1.2.3.4", "0.0.0.0/0"));
    EXPECT_TRUE(in_subnet("1.2.3.4", "1.2.3.4"));
    EXPECT_FALSE(in_subnet("1.2.3.5", "1.2.3.4"));
    EXPECT_TRUE(in_subnet("fd00:1::7", "fd00::/8"));
}

TEST(Subnet, holds_nothing_when_it_is_none) {
    for (auto* text : {"", "10.1.0.0/33", "10.1.0.0/x", "10.1.0.0/", "10.1/16", "fd00::/129"})
        EXPECT_FALSE(in_subnet("10.1.0.0", text)) << text;
    EXPECT_FALSE(in_subnet("10.1.0.0", "::/0")) << "the other version";
}

TEST(RouteSource, of_a_loopback_peer_is_loopback) {
    EXPECT_EQ(route_source_to({"no address", "127.0.0.1"}), "127.0.0.1");
    EXPECT_EQ(route_source_to({}), std::nullopt);
}

TEST(AddressesOfNode, hold_loopback) {
    EXPECT_THAT(addresses_of_node(), testing::Contains(InterfaceAddress{"lo", "127.0.0.1", true}));
}

} // namespace
} // namespace railhead
