// What nodes have in common, and the odd ones.
#include "preflight/traits.hpp"
#include "tests/unit/preflight/machine_rig.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Pair;

namespace {

std::vector<std::string> odd(const std::vector<std::pair<std::string, Traits>>& nodes) {
    std::vector<std::string> lines;
    for (const auto& finding : odd_ones(nodes))
        lines.push_back(sentence(finding).substr(0, sentence(finding).find("; let")));
    return lines;
}

} // namespace

TEST(Traits, of_nodes_that_are_alike_are_no_finding) {
    EXPECT_THAT(odd({}), IsEmpty());
    EXPECT_THAT(odd({{"n1", {{"kernel", "6.1"}}}, {"n2", {{"kernel", "6.1"}}}, {"n3", {}}}), IsEmpty())
        << "what is not known does not differ";
}

TEST(Traits, name_the_odd_one_by_majority) {
    EXPECT_THAT(odd({{"n1", {{"kernel", "6.1"}}},
                     {"n2", {{"kernel", "6.1"}}},
                     {"n3", {{"kernel", "5.15"}}},
                     {"n4", {{"kernel", "6.1"}}}}),
                ElementsAre("n3: kernel is 5.15 (expected 6.1, as on 3 of 4 nodes)"));
}

TEST(Traits, take_no_side_between_halves) {
    EXPECT_THAT(odd({{"n1", {{"kernel", "6.1"}}}, {"n2", {{"kernel", "5.15"}}}}),
                ElementsAre("kernel differs: 5.15 on n2, 6.1 on n1"));
}

using TraitsOf = Machine;

TEST_F(TraitsOf, a_machine_are_read) {
    gpu("pci0000:16/0000:16:01.0/0000:17:00.0");
    put("sys/devices/pci0000:16/0000:16:01.0/0000:17:00.0/device", "0x2330");
    auto folder = adapter("mlx5_0", "pci0000:16/0000:16:01.0/0000:18:00.0");
    put(folder + "/infiniband/mlx5_0/fw_ver", "28.39.1002");
    put("proc/sys/kernel/osrelease", "6.1.0");
    put("proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build");
    put("sys/class/net/ib0/flags", "0x1003");
    put("sys/class/net/ib0/mtu", "4092");
    auto facts = node_facts(root, Environment(), 1);
    EXPECT_THAT(
        traits_of(root, facts),
        IsSupersetOf({Pair("kernel", "6.1.0"), Pair("NVIDIA driver", "570.86.15"),
                      Pair("GPUs", "1 x 10de:2330"), Pair("ACTIVE RDMA ports", "1 x 400 Gb/sec (4X NDR)"),
                      Pair("firmware of adapters", "1 x 28.39.1002"), Pair("adapters by GPU", "mlx5_0"),
                      Pair("MTU of ib0", "4092")}));
}
