// Which adapters carry a job's traffic, and which of them is a GPU's.
#include "preflight/rails.hpp"
#include "tests/unit/preflight/machine_rig.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

std::vector<std::string> left_out(const Rails& rails) {
    std::vector<std::string> lines;
    for (const auto& each : rails.left_out) lines.push_back(each.name + " " + each.why);
    return lines;
}

std::vector<std::string> ports_of_gpus(const Rails& rails) {
    std::vector<std::string> lines;
    for (const auto& gpu : rails.gpus) lines.push_back(std::to_string(gpu.number) + " " + gpu.port);
    return lines;
}

std::vector<std::string> lines_of(const std::vector<RailVariable>& variables) {
    std::vector<std::string> lines;
    for (const auto& each : variables) lines.push_back(each.name + "=" + each.value);
    return lines;
}

/// A machine of four GPUs and adapters that are numbered the other way around, and one for storage.
class Rails4 : public Machine {
  protected:
    void SetUp() override {
        Machine::SetUp();
        for (int i = 0; i < 4; ++i) {
            const auto bus = std::to_string(i + 1);
            const auto way = "pci0000:" + bus + "0/0000:" + bus + "0:01.0/0000:" + bus + "1:00.0";
            auto folder = gpu(way + "/0000:" + bus + "2:00.0", i / 2);
            put(folder + "/local_cpulist", std::to_string(i * 8) + "-" + std::to_string(i * 8 + 7));
            adapter("mlx5_" + std::to_string(3 - i), way + "/0000:" + bus + "3:00.0", i / 2);
        }
        adapter("mlx5_4", "pci0000:50/0000:50:01.0/0000:51:00.0");
        put("proc/net/route", "Iface\tDestination\tGateway\nib0\t0000A8C0\t0\t1\t0\t0\t0\t00FFFFFF\n"
                              "eth1\t00000000\t0100A8C0\t3\t0\t0\t200\t00000000\n"
                              "eth0\t00000000\t0100A8C0\t3\t0\t0\t100\t00000000");
    }
    Rails rails(const RailWishes& wishes = {}) { return rails_of(rail_facts(root.string()), wishes); }
    std::string port(const std::string& name) { return "sys/class/infiniband/" + name + "/ports/1"; }
};

} // namespace

TEST_F(Rails4, are_by_position_and_not_by_name) {
    const auto found = rails();
    EXPECT_THAT(found.ports, ElementsAre("mlx5_0:1", "mlx5_1:1", "mlx5_2:1", "mlx5_3:1"));
    EXPECT_THAT(left_out(found), ElementsAre("mlx5_4:1 is the nearest to no GPU"));
    EXPECT_THAT(ports_of_gpus(found), ElementsAre("0 mlx5_3:1", "1 mlx5_2:1", "2 mlx5_1:1", "3 mlx5_0:1"));
    EXPECT_EQ(found.gpus[1].cpus, "8-15");
    EXPECT_EQ(found.interface, "eth0");
    EXPECT_THAT(lines_of(variables_of_node(found)),
                ElementsAre("NCCL_IB_HCA==mlx5_0:1,mlx5_1:1,mlx5_2:1,mlx5_3:1", "NCCL_SOCKET_IFNAME==eth0"));
    EXPECT_THAT(lines_of(variables_of_task(found, {1})),
                ElementsAre("UCX_NET_DEVICES=mlx5_2:1", "RAILHEAD_NIC=mlx5_2"));
    EXPECT_EQ(variables_of_task(found, {1})[0].why, "the nearest: mlx5_2:1 of GPU 1 (on one PCIe switch)");
    EXPECT_THAT(lines_of(variables_of_task(found, {0, 3})),
                ElementsAre("UCX_NET_DEVICES=mlx5_3:1,mlx5_0:1", "RAILHEAD_NIC=mlx5_3,mlx5_0"));
    EXPECT_THAT(variables_of_task(found, {}), IsEmpty());
    EXPECT_THAT(variables_of_task(found, {7}), IsEmpty());
}

TEST_F(Rails4, follow_the_numbers_of_the_driver) {
    for (int i = 0; i < 4; ++i)
        put("proc/driver/nvidia/gpus/0000:" + std::to_string(i + 1) + "2:00.0/information",
            "Model: \t NVIDIA H100\nDevice Minor: \t " + std::to_string((i + 1) % 4) + "\n");
    EXPECT_THAT(ports_of_gpus(rails()), ElementsAre("0 mlx5_0:1", "1 mlx5_3:1", "2 mlx5_2:1", "3 mlx5_1:1"));
}

TEST_F(Rails4, do_without_a_port_that_is_down) {
    put(port("mlx5_2"), "");
    put(port("mlx5_2") + "/state", "1: DOWN");
    const auto found = rails();
    EXPECT_THAT(found.ports, ElementsAre("mlx5_0:1", "mlx5_1:1", "mlx5_3:1"));
    EXPECT_THAT(left_out(found), ElementsAre("mlx5_2:1 is DOWN", "mlx5_4:1 is the nearest to no GPU"));
    EXPECT_NE(found.gpus[1].port, "mlx5_2:1");
}

TEST_F(Rails4, are_those_of_the_site) {
    const auto found = rails({.adapters = {"mlx5_0", "mlx5_4"}, .interface = "ib0"});
    EXPECT_THAT(found.ports, ElementsAre("mlx5_0:1", "mlx5_4:1"));
    EXPECT_EQ(found.interface, "ib0");
    EXPECT_THAT(left_out(found), testing::Contains("mlx5_1:1 is none of node.adapters"));
}

TEST_F(Machine, of_one_switch_for_all_leave_slower_adapters_of_another_model_out) {
    const std::string way = "pci0000:10/0000:10:01.0/0000:11:00.0/";
    gpu(way + "0000:12:00.0");
    for (const auto* name : {"mlx5_0", "mlx5_1", "mlx5_2"}) {
        auto folder = adapter(name, way + "0000:2" + std::string(1, name[5]) + ":00.0");
        put(folder + "/device", name == std::string("mlx5_2") ? "0x101d" : "0x1021");
        if (name != std::string("mlx5_0"))
            put(folder + "/infiniband/" + name + "/ports/1/rate", "100 Gb/sec (4X EDR)");
    }
    const auto found = rails_of(rail_facts(root.string()), {});
    EXPECT_THAT(found.ports, ElementsAre("mlx5_0:1", "mlx5_1:1")) << "a rail of the model that is slow stays";
    EXPECT_THAT(
        left_out(found),
        ElementsAre(HasSubstr("mlx5_2:1 has 100 Gb/sec (4X EDR), and mlx5_0:1 of another model has 400")));
    EXPECT_THAT(rails_of(NodeFacts(), {}).ports, IsEmpty());
    EXPECT_THAT(variables_of_node(rails_of(NodeFacts(), {})), IsEmpty());
}
