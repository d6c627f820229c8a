// What is said of the way that NCCL took.
#include "preflight/nccl_verdict.hpp"

#include <gmock/gmock.h>

#include <fmt/core.h>

#include <functional>
#include <string>

using namespace railhead;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

namespace {

/// Two nodes of two ranks each, connected in a ring, as 2.18 tells it.
struct Job {
    std::function<std::string(int)> send = [](int) { return "NET/IB/0/GDRDMA"; }, receive = send;
    std::string inside = "P2P/IPC";
    std::function<std::string(int)> before = [](int) { return "Using network IB"; };
    std::function<bool(int)> completes = [](int) { return true; };
    std::string bootstrap = "eth0:10.0.0.{}<0>";

    std::string text() const {
        std::string text = "NCCL version 2.18.3+cuda12.2\n";
        for (int rank = 0; rank < 4; ++rank) {
            int node = rank / 2, next = (rank + 1) % 4, last = (rank + 3) % 4;
            auto say = [&](const std::string& message) {
                text +=
                    fmt::format("node{}:{}:99 [{}] NCCL INFO {}\n", node + 1, 100 + rank, rank % 2, message);
            };
            say("Bootstrap : Using " + fmt::format(fmt::runtime(bootstrap), node + 1));
            say(before(rank));
            say(fmt::format("comm 0x1 rank {} nranks 4 cudaDev {} busId 1 commId 0xc - Init START", rank,
                            rank % 2));
            for (int channel = 0; channel < 2; ++channel) {
                auto way = [&](int from, int to, const std::string& end) {
                    say(fmt::format("Channel 0{}/0 : {}[0] -> {}[1] {}", channel, from, to, end));
                };
                if (rank % 2 == 0) way(last, rank, "[receive] via " + receive(rank));
                if (rank % 2 == 1) way(rank, next, "[send] via " + send(rank));
                if (rank % 2 == 0) way(rank, next, "via " + inside);
            }
            if (completes(rank))
                say(fmt::format("comm 0x1 rank {} nranks 4 cudaDev {} busId 1 commId 0xc - Init COMPLETE",
                                rank, rank % 2));
        }
        return text;
    }
};

nccl::Log log_of(const std::string& text) {
    nccl::LogReader reader;
    reader.read(text);
    return reader.take();
}

std::vector<std::string> said_of_log(const std::string& text) {
    std::vector<std::string> lines;
    for (const auto& finding : nccl::verdicts(log_of(text)))
        lines.push_back(std::string(name_of(finding.level)) + " " + finding.id + ": " + sentence(finding));
    return lines;
}

} // namespace

TEST(NcclVerdict, is_silent_of_a_job_that_is_right) {
    EXPECT_THAT(said_of_log(Job().text()), IsEmpty());
    auto summary = nccl::summary_of(log_of(Job().text()));
    EXPECT_EQ(summary.ranks, 4U);
    EXPECT_EQ(summary.nodes, 2U);
    EXPECT_THAT(summary.between_nodes, ElementsAre(Pair("NET/IB with GPUDirect RDMA", 4)));
    EXPECT_THAT(summary.inside_nodes, ElementsAre(Pair("P2P/IPC", 4)));
}

TEST(NcclVerdict, names_a_fallback_and_the_pair_and_the_variable_that_made_it) {
    Job job;
    job.send = job.receive = [](int) { return "NET/Socket/0"; };
    job.before = [](int) { return "NCCL_IB_DISABLE set by environment to 1."; };
    EXPECT_THAT(
        said_of_log(job.text()),
        ElementsAre(
            "fail nccl-fallback: node[1-2]: traffic between nodes goes over sockets by 4 of 4 channels, "
            "first rank 1 on "
            "node1 to rank 2 on node2 via NET/Socket, because NCCL_IB_DISABLE is 1; unset NCCL_IB_DISABLE"));
}

TEST(NcclVerdict, tells_the_causes_of_a_fallback_apart) {
    const std::pair<const char*, const char*> causes[] = {
        {"NET/IB : No device found.", "because NET/IB found no device; look for ports that are not ACTIVE"},
        {"Failed to open libibverbs.so[.1]", "because libibverbs cannot be opened; install rdma-core"},
        {"NCCL_NET set by environment to Socket", "because NCCL_NET is Socket; unset NCCL_NET"},
        {"Failed to initialize NET plugin IB", "because Failed to initialize NET plugin IB; see"},
        {"Using network Socket", "via NET/Socket; see why with NCCL_DEBUG=INFO"},
    };
    for (const auto& [message, sentence] : causes) {
        Job job;
        job.send = job.receive = [](int) { return "NET/Socket/0"; };
        job.before = [text = std::string(message)](int) { return text; };
        EXPECT_THAT(said_of_log(job.text()), ElementsAre(HasSubstr(sentence)));
    }
}

TEST(NcclVerdict, sees_sockets_behind_libfabric) {
    Job job;
    job.send = job.receive = [](int) { return "NET/AWS Libfabric/0"; };
    job.before = [](int) { return "NET/OFI Selected Provider is tcp;ofi_rxm (found 1 nics)"; };
    EXPECT_THAT(
        said_of_log(job.text()).at(0),
        HasSubstr(
            "fail nccl-fallback: node[1-2]: traffic between nodes goes over sockets by 4 of 4 channels, "
            "first rank 1 on node1 to "
            "rank 2 on node2 via NET/AWS Libfabric, because libfabric's provider is tcp;ofi_rxm; see why"));
}

TEST(NcclVerdict, names_the_filter_that_matches_no_device) {
    Job job;
    job.send = job.receive = [](int) { return "NET/Socket/0"; };
    job.before = [](int rank) {
        return rank == 0 ? "NCCL_IB_HCA set to mlx5_7" : "NET/IB : No device found.";
    };
    auto text = job.text() + "node1:100:99 [0] NCCL INFO NET/IB : No device found.\n";
    EXPECT_THAT(said_of_log(text),
                ElementsAre(HasSubstr("because no active device matches NCCL_IB_HCA=mlx5_7; name devices")));
}

TEST(NcclVerdict, believes_the_chosen_network_where_no_channel_is_told) {
    std::string text;
    for (int rank : {0, 1}) {
        auto head = fmt::format("n{}:1:1 [0] NCCL INFO ", rank);
        text += head + "Using network Socket\n" + head +
                fmt::format("comm 0x1 rank {} nranks 2 cudaDev 0 commId 0x1 - Init COMPLETE\n", rank);
    }
    EXPECT_THAT(said_of_log(text),
                ElementsAre(HasSubstr("nccl-fallback: n[0-1]: traffic between nodes goes over "
                                      "sockets: NCCL chose the network Socket;")));
}

TEST(NcclVerdict, finds_no_fault_with_sockets_on_one_node) {
    EXPECT_THAT(said_of_log("n:1:1 [0] NCCL INFO Using network Socket\n"
                            "n:1:1 [0] NCCL INFO Channel 00 : 0[0] -> 1[1] via P2P/IPC\n"
                            "n:1:1 [0] NCCL INFO comm 0x1 rank 0 nranks 2 cudaDev 0 - Init COMPLETE\n"
                            "n:2:2 [1] NCCL INFO comm 0x1 rank 1 nranks 2 cudaDev 1 - Init COMPLETE\n"),
                IsEmpty());
}

TEST(NcclVerdict, says_unknown_where_the_way_is_not_told) {
    EXPECT_THAT(said_of_log("training\n"),
                ElementsAre("unknown nccl-transport: the log has no line of NCCL; set "
                            "NCCL_DEBUG=INFO before the program starts"));
    EXPECT_THAT(
        said_of_log(
            "a:1:1 [0] NCCL INFO Using network IB\nb:1:1 [0] NCCL INFO Using network IB\n"
            "a:1:1 [0] NCCL INFO comm 0x1 rank 0 nranks 2 cudaDev 0 - Init COMPLETE\nb:1:1 [0] NCCL INFO "
            "comm 0x1 rank 1 nranks 2 cudaDev 0 - Init COMPLETE\n"),
        ElementsAre(HasSubstr(
            "unknown nccl-transport: the way between nodes is not in the log; set NCCL_DEBUG_SUBSYS")));
}

TEST(NcclVerdict, names_processes_that_chose_different_networks) {
    Job job;
    job.before = [](int rank) { return rank == 3 ? "Using network Socket" : "Using network IB"; };
    EXPECT_THAT(said_of_log(job.text()),
                ElementsAre(HasSubstr(
                    "different networks, which do not reach each other: IB on node[1-2], Socket on node2")));
}

TEST(NcclVerdict, warns_of_receiving_without_gpudirect_and_not_of_sending) {
    Job job;
    job.send = [](int) { return "NET/IB/0"; };
    EXPECT_THAT(said_of_log(job.text()), IsEmpty());
    job.receive = [](int rank) { return rank == 2 ? "NET/IB/0" : "NET/IB/0/GDRDMA"; };
    EXPECT_THAT(
        said_of_log(job.text()),
        ElementsAre(HasSubstr("warn nccl-gpudirect: node2: GPUDirect RDMA is not used by 2 of 4 channels "
                              "that receive from other nodes "
                              "(rank 1 on node1 to rank 2 on node2 via NET/IB/0); load nvidia_peermem")));
}

TEST(NcclVerdict, names_the_nics_of_a_pair_that_crosses_rails) {
    Job job;
    job.before = [](int) {
        return "NET/IB : Using [0]mlx5_0:1/IB [1]mlx5_3:1/IB [RO]; OOB eth0:10.0.0.1<0>";
    };
    job.receive = [](int) { return "NET/IB/1/GDRDMA"; };
    EXPECT_THAT(said_of_log(job.text()),
                ElementsAre(HasSubstr("2 of 2 pairs of ranks cross from one rail to another: rank 1 on node1 "
                                      "sends by NIC 0 (mlx5_0:1/IB), "
                                      "rank 2 on node2 receives by NIC 1 (mlx5_3:1/IB);")));
}

TEST(NcclVerdict, warns_of_ranks_of_one_node_that_reach_each_other_by_the_network) {
    Job job;
    job.inside = "NET/IB/0/GDRDMA";
    auto text = job.text();
    for (std::size_t at = 0; (at = text.find("] via NET", at)) != text.npos; ++at)
        if (text[at - 1] == '1') text.insert(at + 1, " [send]");
    EXPECT_THAT(
        said_of_log(text),
        ElementsAre(HasSubstr(
            "nccl-inside-node: node[1-2]: ranks of one node reach each other by the network: 4 channels")));
}

TEST(NcclVerdict, names_the_rank_that_does_not_complete) {
    Job job;
    job.completes = [](int rank) { return rank != 2; };
    EXPECT_THAT(
        said_of_log(job.text()),
        ElementsAre(HasSubstr(
            "a communicator of 4 ranks was begun and not completed by 1 rank, first rank 2 on node2;")));
}

TEST(NcclVerdict, names_an_interface_that_other_nodes_cannot_reach) {
    Job job;
    job.bootstrap = "docker0:172.17.0.{}<0>";
    EXPECT_THAT(said_of_log(job.text()),
                ElementsAre(HasSubstr("warn nccl-bootstrap: rank 0 on node1: NCCL lets "
                                      "other nodes find it at docker0:172.17.0.1<0>,")));
    job.completes = [](int rank) { return rank < 2; };
    EXPECT_THAT(said_of_log(job.text())[0], HasSubstr("fail nccl-bootstrap"));
}

TEST(NcclVerdict, tells_nodes_of_one_name_apart_by_their_address) {
    auto text = Job().text();
    for (std::size_t at = 0; (at = text.find("node2:")) != text.npos;) text.replace(at, 5, "node1");
    EXPECT_THAT(said_of_log(text), IsEmpty());
    EXPECT_EQ(nccl::summary_of(log_of(text)).nodes, 2U);
}

TEST(NcclVerdict, makes_the_first_error_the_headline_and_its_victims_a_number) {
    auto text = Job().text() +
                "node2:102:9 [0] misc/socket.cc:49 NCCL WARN socketProgress: Connection closed by remote "
                "peer node1<5>\n"
                "node1:101:9 [1] transport/net_ib.cc:818 NCCL WARN NET/IB : Got completion from peer "
                "10.0.0.2<5> with error 12, opcode 0, len 0, vendor err 129\n"
                "node1:100:9 [0] init.cc:1 NCCL WARN Missing \"iommu=pt\" from kernel command line\n";
    EXPECT_THAT(said_of_log(text),
                ElementsAre(HasSubstr("fail nccl-error: rank 1 on node1: NCCL says: NET/IB : Got completion "
                                      "from peer 10.0.0.2<5> with error 12, opcode 0, "
                                      "len 0, vendor err 129 (the first of 2); the peer did not answer"),
                            HasSubstr("warn nccl-remark: rank 0 on node1: NCCL says: Missing \"iommu=pt\"")));
}

TEST(NcclVerdict, takes_no_number_for_a_longer_one_and_always_says_what_to_do) {
    EXPECT_THAT(
        said_of_log(
            Job().text() +
            "node1:100:9 [0] a.cc:1 NCCL WARN Got completion from peer 1<2> with error 128, opcode 0\n")
            .at(0),
        HasSubstr("look at the ports of these two nodes"));
    EXPECT_THAT(said_of_log(Job().text() + "node1:100:9 [0] a.cc:1 NCCL WARN Cuda failure 400\n").at(0),
                HasSubstr("Cuda failure 400; see what that process did before, in its own log"));
}

TEST(NcclVerdict, warns_of_ranks_with_other_nics_and_of_other_versions) {
    Job job;
    job.before = [](int rank) {
        return fmt::format("NET/IB : Using [0]mlx5_{}:1/IB ; OOB eth0:1<0>", rank % 2);
    };
    EXPECT_THAT(
        said_of_log(job.text() + "NCCL version 2.19.3+cuda12.3\n"),
        ElementsAre(HasSubstr("warn nccl-adapters: node1: processes of one node use different NICs: "
                              "mlx5_0:1/IB and mlx5_1:1/IB;"),
                    HasSubstr("several versions of NCCL are in one job: 2.18.3+cuda12.2, 2.19.3+cuda12.3;")));
}

TEST(NcclVerdict, lists_pairs) {
    auto pairs = nccl::pairs_of(log_of(Job().text()));
    ASSERT_EQ(pairs.size(), 6U);
    EXPECT_EQ(pairs[0], "rank 0 on node1 -> rank 1 on node1: 2 channels by P2P/IPC");
    EXPECT_EQ(pairs[1],
              "rank 1 on node1 -> rank 2 on node2: 2 channels sent by NET/IB/0 with GPUDirect RDMA");
}
