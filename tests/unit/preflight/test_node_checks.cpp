// What is said of a node by what it shows of itself.
#include "preflight/node_checks.hpp"
#include "tests/unit/preflight/machine_rig.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// Four GPUs and four adapters in pairs below a switch each.
NodeFacts good() {
    NodeFacts facts;
    for (int i = 0; i < 4; ++i) {
        auto bus = std::to_string(i + 1);
        std::vector<std::string> way{"pci0000:" + bus + "0", "0000:" + bus + "0:01.0"};
        PciLink wide{.gigatransfers = 32, .width = 16};
        facts.gpus.push_back({.address = "0000:" + bus + "3:00.0",
                              .vendor = 0x10de,
                              .ancestors = way,
                              .link = wide,
                              .best = wide});
        facts.adapters.emplace(
            "mlx5_" + std::to_string(i),
            PciFunction{.address = "0000:" + bus + "4:00.0", .ancestors = way, .link = wide, .best = wide});
        facts.devices.ports.push_back({.device = "mlx5_" + std::to_string(i),
                                       .state = "ACTIVE",
                                       .link_layer = "InfiniBand",
                                       .rate = "400 Gb/sec (4X NDR)"});
        facts.gpus_of_driver.emplace(facts.gpus.back().address, i);
    }
    facts.direct = true;
    facts.locked_bytes = UINT64_MAX;
    facts.open_files = 1 << 20;
    facts.rooms = {{"/dev/shm", std::uint64_t{64} << 30, std::uint64_t{60} << 30, 1000},
                   {"/tmp", std::uint64_t{64} << 30, std::uint64_t{60} << 30, 1000}};
    facts.mounts = {{.path = "/home", .kind = "nfs4", .state = RemoteMount::State::answers}};
    facts.clock_is_synchronised = true;
    return facts;
}

std::vector<std::string> said_of_node(const NodeFacts& facts) {
    std::vector<std::string> lines;
    for (const auto& finding : node_verdicts(facts))
        lines.push_back(std::string(name_of(finding.level)) + " " + finding.id + ": " + sentence(finding));
    return lines;
}

} // namespace

TEST(NodeChecks, are_silent_of_a_good_node_and_of_one_that_shows_nothing) {
    EXPECT_THAT(said_of_node(good()), IsEmpty());
    EXPECT_THAT(said_of_node(NodeFacts()), IsEmpty());
    EXPECT_EQ(looked_at(good()), "4 GPUs, 4 RDMA ports (4 ACTIVE), 1 remote file system");
}

TEST(NodeChecks, name_a_gpu_that_is_gone_or_that_the_driver_lacks) {
    auto facts = good();
    facts.gpus[1].answers = false;
    facts.gpus_of_driver.erase(facts.gpus[2].address);
    EXPECT_THAT(
        said_of_node(facts),
        ElementsAre(HasSubstr("fail gpu-bus: GPU 0000:23:00.0: it does not answer on the PCI bus; reboot"),
                    HasSubstr("fail gpu-driver: GPU 0000:33:00.0: NVIDIA's driver has not got it")));
}

TEST(NodeChecks, see_lanes_that_are_missing_and_no_speed) {
    auto facts = good();
    facts.gpus[0].link = PciLink{.gigatransfers = 2.5, .width = 16};
    EXPECT_THAT(said_of_node(facts), IsEmpty());
    facts.gpus[0].link->width = 8;
    facts.adapters.at("mlx5_3").link->width = 1;
    EXPECT_THAT(
        said_of_node(facts),
        ElementsAre(
            "warn pcie-width: GPU 0000:13:00.0: 8 lanes of PCIe are in use (expected 16); have it reseated",
            "warn pcie-width: mlx5_3: 1 lane of PCIe are in use (expected 16); have it reseated"));
}

TEST(NodeChecks, see_a_port_that_is_down_next_to_a_gpu) {
    auto facts = good();
    facts.devices.ports[2].state = "DOWN";
    facts.devices.ports.push_back({.device = "mlx5_9", .state = "INIT", .link_layer = "Ethernet"});
    EXPECT_THAT(said_of_node(facts),
                ElementsAre(HasSubstr("fail rdma-port: mlx5_2:1: the port is DOWN, and is the nearest to GPU "
                                      "0000:33:00.0 (expected ACTIVE"),
                            HasSubstr("warn rdma-port: mlx5_9:1: the port is INIT (expected ACTIVE")));
    for (auto& port : facts.devices.ports) port.state = "DOWN";
    EXPECT_THAT(said_of_node(facts), IsEmpty()) << "a node that uses none";
}

TEST(NodeChecks, see_a_port_that_is_slower_than_most) {
    auto facts = good();
    facts.devices.ports[1].rate = "25 Gb/sec (1X EDR)";
    EXPECT_THAT(said_of_node(facts),
                ElementsAre("warn rdma-rate: mlx5_1:1: the port has 25 Gb/sec (1X EDR) (expected 400 Gb/sec, "
                            "as most of its kind have here); have the cable and both of its ends looked at"));
}

TEST(NodeChecks, see_no_fault_in_the_second_port_of_a_card_nor_in_slower_cards_of_another_model) {
    auto facts = good();
    facts.devices.ports.push_back(
        {.device = "mlx5_0", .port = 2, .state = "DOWN", .link_layer = "InfiniBand"});
    facts.adapters.emplace("storage", PciFunction{.address = "0000:90:00.0", .device = 7});
    facts.devices.ports.push_back(
        {.device = "storage", .state = "ACTIVE", .link_layer = "InfiniBand", .rate = "100 Gb/sec (4X EDR)"});
    EXPECT_THAT(said_of_node(facts), IsEmpty());
}

TEST(NodeChecks, see_what_keeps_rdma_from_memory) {
    auto facts = good();
    facts.direct = false;
    facts.locked_bytes = 64 << 10;
    EXPECT_THAT(
        said_of_node(facts),
        ElementsAre(
            HasSubstr(
                "fail locked-memory: the limit of locked memory is 0 MiB (expected unlimited, for RDMA)"),
            HasSubstr("warn gpudirect: GPUDirect RDMA has no module here")));
    facts.devices.ports.clear();
    EXPECT_THAT(said_of_node(facts), IsEmpty());
}

TEST(NodeChecks, see_rooms_that_are_small_or_full) {
    auto facts = good();
    facts.rooms[0].total_bytes = facts.rooms[0].free_bytes = 64 << 20;
    facts.rooms[1].free_bytes = 1 << 20;
    EXPECT_THAT(said_of_node(facts),
                ElementsAre(HasSubstr("fail shared-memory: /dev/shm holds 64 MiB (expected 1.0 GiB or more"),
                            HasSubstr("fail temporary-room: /tmp has 1 MiB free of 64.0 GiB; remove")));
    facts = good();
    facts.rooms[1].free_files = 0;
    facts.open_files = 1024;
    EXPECT_THAT(said_of_node(facts),
                ElementsAre(HasSubstr("/tmp takes no more files"),
                            HasSubstr("warn open-files: the limit of open files is 1024")));
}

TEST(NodeChecks, name_a_mount_that_hangs) {
    auto facts = good();
    facts.mounts[0].state = RemoteMount::State::hangs;
    facts.clock_is_synchronised = false;
    EXPECT_THAT(said_of_node(facts),
                ElementsAre(HasSubstr("fail mount: /home (nfs4) does not answer, and holds "
                                      "whoever asks it; see whether its server is up"),
                            HasSubstr("warn clock: the clock is not synchronised")));
}

TEST(NodeChecks, say_that_a_mount_could_not_be_asked) {
    auto facts = good();
    facts.mounts[0] = {.path = "/home", .kind = "nfs4", .words = "stat is not on PATH"};
    EXPECT_THAT(said_of_node(facts), ElementsAre("unknown mount: /home (nfs4) was not looked at: stat is not "
                                                 "on PATH; install stat(1) of coreutils"));
}

TEST(NodeChecks, say_that_the_kernel_log_is_not_known) {
    auto facts = good();
    facts.kernel_log.unread = "Operation not permitted";
    EXPECT_THAT(said_of_node(facts),
                ElementsAre("unknown kernel-log: the kernel log cannot be read: Operation not "
                            "permitted; run this as root to hear of errors of GPUs (Xid)"));
}

TEST(NodeFacts, know_file_systems_of_other_machines) {
    auto mounts = remote_mounts_in(
        "proc /proc proc rw 0 0\nsrv:/home /home\\040of\\040all nfs4 rw 0 0\n/dev/sda1 / ext4 rw 0 0\nfs "
        "/work fuse.sshfs rw 0 0\nlxcfs /var/lib/lxcfs fuse.lxcfs rw 0 0\nx\n");
    ASSERT_EQ(mounts.size(), 2U);
    EXPECT_EQ(mounts[0].path, "/home of all");
    EXPECT_EQ(mounts[1].kind, "fuse.sshfs");
}

using NodeFactsOf = Machine;

TEST_F(NodeFactsOf, a_machine_are_read_and_a_mount_that_fails_is_named) {
    gpu("pci0000:16/0000:16:01.0/0000:17:00.0");
    adapter("mlx5_0", "pci0000:16/0000:16:01.0/0000:18:00.0");
    put("proc/self/mounts", "srv:/x /nonexistent/mount nfs4 rw 0 0\nsrv:/y / nfs rw 0 0");
    put("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15");
    put("proc/driver/nvidia/gpus/0000:17:00.0/information", "Model: H100");
    put("dev/kmsg", "4,1,98765432,-;NVRM: Xid (PCI:0000:17:00): 48, DBE");
    auto facts = node_facts(root, Environment(), 5);
    EXPECT_EQ(looked_at(facts), "1 GPU, 1 RDMA port (1 ACTIVE), 2 remote file systems");
    EXPECT_EQ(facts.direct, true);
    EXPECT_EQ(facts.mounts.at(0).state, RemoteMount::State::fails);
    EXPECT_EQ(facts.mounts.at(1).state, RemoteMount::State::answers);
    EXPECT_EQ(facts.gpus_of_driver.count("0000:17:00.0"), 1U);
    ASSERT_EQ(facts.kernel_log.records.size(), 1U);
    EXPECT_THAT(said_of_node(facts),
                testing::Contains(HasSubstr("fail gpu-xid: GPU 0000:17:00: Xid 48 was logged once")));
}
