// What is read of NCCL's and RCCL's lines, in the words of their versions.
#include "preflight/nccl_log.hpp"

#include <gmock/gmock.h>

#include <string>
#include <tuple>

using namespace railhead::nccl;
using testing::ElementsAre;
using testing::Optional;
using testing::Pair;

namespace {

Log read(std::string_view text) {
    LogReader reader;
    reader.read(text);
    return reader.take();
}

struct Told {
    const char* message;
    std::uint32_t from, to;
    Side side;
    const char* transport;
    std::optional<std::uint32_t> nic;
    bool is_direct;
};

class Channels : public testing::TestWithParam<Told> {};

const Told told[] = {
    // 2.4 and 2.5
    {"Ring 00 : 1 -> 2 [send] via NET/Socket/0", 1, 2, Side::send, "NET/Socket", 0, false},
    {"Ring 00 : 15[1a000] -> 0[1c000] [receive] via NET/IB/0/GDRDMA", 15, 0, Side::receive, "NET/IB", 0,
     true},
    {"Ring 01 : 0[0] -> 1[1] via P2P/IPC", 0, 1, Side::inside, "P2P/IPC", {}, false},
    {"Ring 01 : 0[0] -> 1[1] via direct shared memory", 0, 1, Side::inside, "SHM", {}, false},
    // 2.7.3, 2.8.3
    {"Channel 01 : 2[c7000] -> 0[87000] [receive] via NET/IB/5/GDRDMA", 2, 0, Side::receive, "NET/IB", 5,
     true},
    {"Channel 01 : 2[c7000] -> 0[87000] [send] via NET/IB/5/GDRDMA/Shared", 2, 0, Side::send, "NET/IB", 5,
     true},
    {"Channel 07 : 3[1000] -> 2[2000] via P2P/indirect/0[3000]",
     3,
     2,
     Side::inside,
     "P2P/indirect",
     {},
     false},
    // 2.12.7 and later
    {"Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/2(3)/GDRDMA", 0, 8, Side::send, "NET/IB", 2, true},
    {"Channel 00/0 : 8[0] -> 0[0] [receive] via NET/Socket/0", 8, 0, Side::receive, "NET/Socket", 0, false},
    {"Channel 03/1 : 9[1] -> 10[2] via P2P/IPC/read", 9, 10, Side::inside, "P2P/IPC", {}, false},
    {"Channel 03/0 : 9[1] -> 10[2] via P2P/CUMEM", 9, 10, Side::inside, "P2P/CUMEM", {}, false},
    {"Channel 03/0 : 9[1] -> 10[2] via P2P/direct pointer",
     9,
     10,
     Side::inside,
     "P2P/direct pointer",
     {},
     false},
    {"Channel 03/0 : 9[1] -> 10[2] via SHM/direct/direct", 9, 10, Side::inside, "SHM", {}, false},
    // 2.26
    {"Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/0/GDRDMA(PCI)", 0, 8, Side::send, "NET/IB", 0, true},
    // plugins
    {"Channel 00/0 : 0[0] -> 8[0] [send] via NET/AWS Libfabric/1/GDRDMA", 0, 8, Side::send,
     "NET/AWS Libfabric", 1, true},
    {"Channel 00/0 : 0[0] -> 8[0] [send] via NET/IBext_v8/3", 0, 8, Side::send, "NET/IBext_v8", 3, false},
    // RCCL
    {"Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/0/GDRDMA/flush=None comm 0x55d0 nRanks 16", 0, 8,
     Side::send, "NET/IB", 0, true},
    {"Channel 00/0 : 0[0] -> 1[1] via P2P/IPC comm 0x55d0 nRanks 16",
     0,
     1,
     Side::inside,
     "P2P/IPC",
     {},
     false},
};

} // namespace

TEST_P(Channels, are_read_in_the_words_of_each_version) {
    const auto& told = GetParam();
    auto channel = channel_from(told.message);
    ASSERT_TRUE(channel) << told.message;
    EXPECT_EQ(std::tuple(channel->from, channel->to, channel->side, channel->transport, channel->nic,
                         channel->is_direct),
              std::tuple(told.from, told.to, told.side, told.transport, told.nic, told.is_direct))
        << told.message << "\n"
        << channel->transport;
}

INSTANTIATE_TEST_SUITE_P(Nccl, Channels, testing::ValuesIn(told));

TEST(NcclLine, is_no_channel_where_no_connection_is_told) {
    for (const auto* message :
         {"Channel 00/32 :    0   1   2", "Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB", "Ring 00",
          "Channel 00/0 : 0[0] -> 99999999[0] [send] via NET/IB/0", "Channel 00/0 : 0[0 -> 8[0]",
          "Connected all rings", "Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/x",
          "Channel 00/0 : 0[0] -> 8[0] via "})
        EXPECT_FALSE(channel_from(message)) << message;
}

TEST(NcclLine, has_its_sender_whatever_stands_before_it) {
    for (const auto* prefix :
         {"", "3: ", "node2: ", "[1,1]<stdout>:", "(RayTrainWorker pid=5, ip=10.0.0.2) ",
          "[2025-03-18 12:01:01] ", "\x1b[36m(pid=9)\x1b[0m ", "2026-01-01T00:00:00 [1]: "}) {
        auto text = std::string(prefix) + "node2:920:1145 [1] NCCL INFO Using network IB  \r";
        auto line = line_from(text);
        ASSERT_TRUE(line) << text;
        EXPECT_EQ(line->host, "node2");
        EXPECT_EQ(line->pid, 920U);
        EXPECT_EQ(line->device, 1);
        EXPECT_EQ(line->message, "Using network IB");
    }
}

TEST(NcclLine, of_a_warning_has_its_place_before_it) {
    for (const auto* text : {"node2:1:2 [7] misc/socket.cc:49 NCCL WARN Connect failed",
                             "node2:1:2 [7] socket.cc:49 (connectTo) NCCL WARN Connect failed",
                             "x: [2025-01-01 10:00:00] node2:1:2 [7] a.cc:1 NCCL WARN Connect failed"}) {
        auto line = line_from(text);
        ASSERT_TRUE(line) << text;
        EXPECT_TRUE(line->is_warning);
        EXPECT_EQ(std::tuple(line->host, line->pid, line->device, line->message),
                  std::tuple("node2", 1U, 7, "Connect failed"));
    }
}

TEST(NcclLine, without_a_sender_tells_a_version_only) {
    EXPECT_EQ(line_from("NCCL version 2.4.7+cuda9.2")->message, "NCCL version 2.4.7+cuda9.2");
    EXPECT_FALSE(line_from("Set NCCL INFO in the environment"));
    EXPECT_FALSE(line_from("step 10 of 100"));
    EXPECT_FALSE(line_from(""));
    EXPECT_FALSE(line_from("node2:x:2 [7] NCCL INFO text"));
}

TEST(NcclLog, holds_what_a_process_says_of_itself) {
    auto log = read(
        "a:1:1 [0] NCCL INFO Bootstrap : Using [0]eth0:10.0.0.1<0>\n"
        "a:1:1 [0] NCCL INFO NCCL_IB_HCA set to mlx5_1\n"
        "a:1:1 [0] NCCL INFO NCCL_IB_DISABLE set by environment to 0.\n"
        "a:1:1 [0] NCCL INFO NCCL_SOCKET_IFNAME set by environment to eth0\n"
        "a:1:1 [0] NCCL INFO NET/IB : Using [0]mlx5_1:1/IB [1]mlx5_10:1/RoCE [RO]; OOB eth0:10.0.0.1<0>\n"
        "a:1:1 [0] NCCL INFO Using network IB\n"
        "a:2:2 [1] NCCL INFO Bootstrap: Using eth1:fe80::1%eth1<0>\n"
        "a:2:2 [1] NCCL INFO NET/IB : No device found.\n"
        "a:2:2 [1] NCCL INFO NET/Socket : Using [0]eth0:10.0.0.1<0> [1]ib0:10.1.0.1<0>\n"
        "a:2:2 [1] NCCL INFO Assigned NET plugin Socket to comm\n"
        "NCCL version 2.18.3+cuda12.2\n"
        "b:3:3 [0] NCCL INFO RCCL version : 2.22.3-HEAD:abc\n");
    ASSERT_EQ(log.processes.size(), 3U);
    const auto &first = log.processes[0], &second = log.processes[1];
    EXPECT_EQ(first.bootstrap, "eth0:10.0.0.1<0>");
    EXPECT_THAT(first.adapters, ElementsAre("mlx5_1:1/IB", "mlx5_10:1/RoCE"));
    EXPECT_EQ(first.network, "IB");
    EXPECT_THAT(first.variables, ElementsAre(Pair("NCCL_IB_DISABLE", "0"), Pair("NCCL_IB_HCA", "mlx5_1"),
                                             Pair("NCCL_SOCKET_IFNAME", "eth0")));
    EXPECT_EQ(second.bootstrap, "eth1:fe80::1%eth1<0>");
    EXPECT_EQ(second.network, "Socket");
    EXPECT_THAT(second.interfaces, ElementsAre("eth0:10.0.0.1<0>", "ib0:10.1.0.1<0>"));
    EXPECT_THAT(second.obstacles, ElementsAre("NET/IB : No device found."));
    EXPECT_THAT(log.versions, ElementsAre("2.18.3+cuda12.2", "2.22.3-HEAD:abc"));
    EXPECT_EQ(log.lines, 12U);
}

TEST(NcclLog, gives_channels_to_the_communicator_that_was_begun_before_them) {
    auto log = read(
        "a:1:1 [0] NCCL INFO comm 0x1 rank 0 nranks 2 cudaDev 0 nvmlDev 0 busId 1 commId 0xaa - Init START\n"
        "b:1:1 [0] NCCL INFO comm 0x1 rank 1 nranks 2 cudaDev 0 nvmlDev 0 busId 1 commId 0xaa - Init START\n"
        "a:1:1 [0] NCCL INFO comm 0x1 rank 0 nRanks 2 nNodes 2 localRanks 1 localRank 0 MNNVL 0\n"
        "a:1:9 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[0] [send] via NET/IB/0\n"
        "a:1:9 [0] NCCL INFO Channel 01/0 : 0[0] -> 1[0] [send] via NET/IB/0\n"
        "a:1:1 [0] NCCL INFO ncclCommInitRank comm 0x1 rank 0 nranks 2 cudaDev 0 nvmlDev 0 busId 1 commId "
        "0xaa - Init COMPLETE\n"
        "a:1:9 [0] NCCL INFO Channel 02/0 : 0[0] -> 1[0] [send] via NET/IB/0\n"
        "a:1:1 [0] NCCL INFO comm 0x2 rank 0 nranks 1 cudaDev 0 nvmlDev 0 busId 1 commId 0xbb - Init START\n"
        "a:1:9 [0] NCCL INFO Channel 00/0 : 0[0] -> 0[0] via P2P/IPC\n");
    ASSERT_EQ(log.communicators.size(), 2U);
    const auto& first = log.communicators[0];
    EXPECT_EQ(std::tuple(first.id, first.ranks, first.nodes), std::tuple("0xaa", 2U, 2U));
    ASSERT_EQ(first.links.size(), 1U);
    EXPECT_EQ(first.links[0].channels, 3U) << "also what is connected when it is needed";
    EXPECT_TRUE(first.peers.at(0).is_complete);
    EXPECT_FALSE(first.peers.at(1).is_complete);
    EXPECT_EQ(log.processes[first.peers.at(1).process].host, "b");
    EXPECT_EQ(log.communicators[1].links.at(0).transport, "P2P/IPC");
}

TEST(NcclLog, gives_channels_to_the_communicator_that_completes_after_them_where_none_is_begun) {
    auto log = read("a:1:1 [0] NCCL INFO Ring 00 : 0[0] -> 1[0] [send] via NET/Socket/0\n"
                    "a:1:1 [0] NCCL INFO comm 0x1 rank 0 nranks 2 cudaDev 0 nvmlDev 0 - Init COMPLETE\n"
                    "a:1:1 [0] NCCL INFO Ring 00 : 0[0] -> 3[0] [send] via NET/IB/0\n"
                    "a:1:1 [0] NCCL INFO comm 0x2 rank 0 nranks 4 cudaDev 0 nvmlDev 0 - Init COMPLETE\n"
                    "c:1:1 [0] NCCL INFO comm 0x9 rank 0 nranks 4 cudaDev 0 nvmlDev 0 - Init COMPLETE\n"
                    "d:1:1 [0] NCCL INFO Ring 00 : 5[0] -> 6[0] via P2P/IPC\n");
    ASSERT_EQ(log.communicators.size(), 4U) << "another of 4 ranks, and one that nobody names";
    EXPECT_EQ(log.communicators[0].links.at(0).transport, "NET/Socket");
    EXPECT_EQ(log.communicators[1].links.at(0).transport, "NET/IB");
    EXPECT_EQ(log.communicators[2].links.size(), 0U);
    EXPECT_EQ(log.communicators[3].ranks, 0U);
    EXPECT_EQ(log.processes[log.communicators[3].peers.at(5).process].host, "d");
}

TEST(NcclLog, is_the_same_in_pieces_and_ends_where_it_was_cut) {
    const std::string text =
        "a:1:1 [0] NCCL INFO Using network IB\nb:1:1 [0] NCCL WARN oh\nc:1:1 [0] NCCL INFO Using netw";
    LogReader reader;
    for (char c : text) reader.read({&c, 1});
    auto log = reader.take();
    EXPECT_EQ(log.lines, 3U);
    EXPECT_EQ(log.processes.size(), 3U);
    EXPECT_EQ(log.all_warnings, 1U);
}

TEST(NcclLog, leaves_out_a_line_without_end) {
    LogReader reader;
    reader.read("a:1:1 [0] NCCL INFO ");
    for (int i = 0; i < 100; ++i) reader.read(std::string(10'000, 'x'));
    reader.read("\na:1:1 [0] NCCL INFO Using network IB\n");
    auto log = reader.take();
    EXPECT_EQ(log.lines, 1U);
    EXPECT_EQ(log.processes.at(0).network, "IB");
}

TEST(NcclLog, keeps_no_more_of_what_processes_say_than_its_bound) {
    LogReader reader;
    for (std::uint32_t i = 0; i < 200'000; ++i)
        reader.read("h" + std::to_string(i % 1000) + ":1:1 [0] NCCL INFO NCCL_" + std::to_string(i) +
                    " set to " + std::string(390, 'z') + "\n");
    auto log = reader.take();
    EXPECT_TRUE(log.is_partial);
    std::size_t bytes = 0;
    for (const auto& process : log.processes)
        for (const auto& variable : process.variables)
            bytes += variable.first.size() + variable.second.size();
    EXPECT_LE(bytes, most_told_bytes + longest_text);
    EXPECT_GT(bytes, most_told_bytes / 2);
}

TEST(NcclLog, keeps_no_more_than_its_bounds) {
    LogReader reader;
    std::string text;
    for (int i = 0; i < 200'000; ++i) {
        text = "h" + std::to_string(i) + ":1:1 [0] NCCL WARN oh " + std::string(1000, 'y') + "\n";
        reader.read(text);
    }
    auto log = reader.take();
    EXPECT_TRUE(log.is_partial);
    EXPECT_EQ(log.processes.size(), most_processes);
    EXPECT_EQ(log.warnings.size(), most_warnings);
    EXPECT_EQ(log.warnings[0].message.size(), longest_text);
}
