#include "launcher/agent/ports.hpp"

#include "launcher/agent/reach.hpp"

#include <gmock/gmock.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <set>

namespace railhead {
namespace {

using testing::ElementsAre;

TEST(PortRange, is_two_numbers) {
    EXPECT_EQ(port_range_from("20000-29999"), (PortRange{20000, 29999}));
    EXPECT_EQ(port_range_from("7-7"), (PortRange{7, 7}));
    for (auto* text : {"", "7", "7-", "-7", "9-7", "0-7", "1-65536", "1-2-3", "a-b", "1 - 2"}) {
        auto range = port_range_from(text);
        ASSERT_FALSE(range) << text;
        EXPECT_EQ(sentence(range.error()),
                  "the port range is \"" + std::string(text) +
                      "\" (expected LOW-HIGH with 1 <= LOW <= HIGH <= 65535); correct "
                      "launch.ports or --ports");
    }
}

TEST(EphemeralRange, is_read_as_the_kernel_writes_it) {
    EXPECT_EQ(ephemeral_range_from("32768\t60999\n"), (PortRange{32768, 60999}));
    EXPECT_EQ(ephemeral_range_from("junk"), (PortRange{}));
}

TEST(PortsToTry, go_round_the_range_once_from_the_seed) {
    EXPECT_THAT(ports_to_try({10, 13}, {}, 2), ElementsAre(12, 13, 10, 11));
    EXPECT_THAT(ports_to_try({65534, 65535}, {}, 1), ElementsAre(65535, 65534));
}

TEST(PortsToTry, skip_the_ephemeral_range) {
    EXPECT_THAT(ports_to_try({10, 15}, {12, 14}, 0), ElementsAre(10, 11, 15));
    EXPECT_THAT(ports_to_try({12, 14}, {10, 20}, 0), ElementsAre());
}

TEST(PortReservations, of_two_launches_never_meet) {
    PortReservations one, two;
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 3; ++i) {
        auto first = one.reserve({27100, 27199}, 5), second = two.reserve({27100, 27199}, 5);
        ASSERT_TRUE(first && second);
        ports.insert({*first, *second});
    }
    EXPECT_EQ(ports.size(), 6U);
}

TEST(PortReservations, pass_over_a_port_that_something_is_bound_to) {
    UniqueFd taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(27210);
    ASSERT_EQ(bind(taken.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    PortReservations ports;
    EXPECT_EQ(ports.reserve({27210, 27211}, 0), 27211);
}

TEST(PortReservations, are_gone_with_their_holder) {
    { EXPECT_EQ(PortReservations().reserve({27220, 27220}, 0), 27220); }
    EXPECT_EQ(PortReservations().reserve({27220, 27220}, 0), 27220);
}

TEST(PortReservations, with_an_owner_are_listened_to_until_it_starts) {
    PortReservations ports;
    auto port = ports.reserve({27240, 27249}, 0, "torchrun.node1");
    ASSERT_TRUE(port);
    auto reach = [&] {
        testing::internal::CaptureStderr();
        auto code = run_reach({"node1", "127.0.0.1", std::to_string(*port)});
        return std::to_string(code) + testing::internal::GetCapturedStderr();
    };
    EXPECT_EQ(reach(), "0");
    ports.hand_over("torchrun.node2");
    EXPECT_EQ(reach(), "0");
    ports.hand_over("torchrun.node1");
    EXPECT_EQ(reach(), "1railhead: cannot connect to node1 at 127.0.0.1:" + std::to_string(*port) +
                           " (Connection refused)\n");
    EXPECT_NE(ports.reserve({27240, 27249}, 0).value_or(*port), *port) << "it is still promised";
}

TEST(Reach, takes_a_node_an_address_and_a_port) {
    EXPECT_EQ(run_reach({}), 100);
    EXPECT_EQ(run_reach({"node1", "127.0.0.1", "70000"}), 100);
    testing::internal::CaptureStderr();
    EXPECT_EQ(run_reach({"node1", "no-address", "7"}), 1);
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "railhead: cannot connect to node1 at no-address:7 (Cannot assign requested address)\n");
}

TEST(PortReservations, say_that_a_range_is_full) {
    PortReservations ports;
    ASSERT_TRUE(ports.reserve({27230, 27230}, 0));
    auto more = ports.reserve({27230, 27230}, 0);
    ASSERT_FALSE(more);
    EXPECT_THAT(sentence(more.error()),
                testing::MatchesRegex("ports 27230-27230 are all taken, 1 of them by this launch itself "
                                      "\\(expected one more port that is free and outside "
                                      "ip_local_port_range \\(.*\\)\\); give another or a wider range .*"));
}

} // namespace
} // namespace railhead
