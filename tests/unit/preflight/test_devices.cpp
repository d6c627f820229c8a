// What is read of /sys, in trees that have its shape.
#include "preflight/devices.hpp"
#include "tests/unit/preflight/machine_rig.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>

using namespace railhead;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using DevicesBelow = Machine;

TEST_F(DevicesBelow, reads_ports_in_the_order_of_their_numbers) {
    for (const auto* device : {"mlx5_10", "mlx5_2"}) {
        auto port = "sys/class/infiniband/" + std::string(device) + "/ports/1";
        put(port + "/state", "4: ACTIVE");
        put(port + "/link_layer", "Ethernet");
        put(port + "/rate", "400 Gb/sec (4X NDR)");
        put(port + "/gid_attrs/types/0", "IB/RoCE v1");
        put(port + "/gid_attrs/types/3", "RoCE v2");
    }
    std::filesystem::create_directories(
        root /
        "sys/class/infiniband/mlx5_10/ports/1/gid_attrs/types/9"); // as unreadable as one that is not set
    auto devices = devices_below(root);
    ASSERT_EQ(devices.ports.size(), 2U);
    EXPECT_EQ(name_of(devices.ports[0]), "mlx5_2:1");
    EXPECT_EQ(name_of(devices.ports[1]), "mlx5_10:1");
    EXPECT_TRUE(devices.ports[1].is_active() && devices.ports[1].is_roce());
    EXPECT_EQ(devices.ports[1].rate, "400 Gb/sec (4X NDR)");
    EXPECT_THAT(devices.ports[1].gid_types, ElementsAre(Pair(0, "IB/RoCE v1"), Pair(3, "RoCE v2")));
}

TEST_F(DevicesBelow, reads_which_interfaces_are_up) {
    put("sys/class/net/eth0/flags", "0x1003");
    put("sys/class/net/lo/flags", "0x9");
    put("sys/class/net/ib0/flags", "0x1002");
    put("sys/class/net/bonding_masters", "bond0");
    auto devices = devices_below(root);
    EXPECT_THAT(devices.interfaces,
                ElementsAre(NetInterface{"eth0", true, false}, NetInterface{"ib0", false, false},
                            NetInterface{"lo", true, true}));
}

TEST_F(DevicesBelow, takes_what_is_not_there_for_absent) {
    put("sys/class/infiniband/mlx5_0/ports/1/rate", "");
    put("sys/class/infiniband/mlx5_0/ports/x/state", "4: ACTIVE");
    auto devices = devices_below(root);
    ASSERT_EQ(devices.ports.size(), 1U);
    EXPECT_EQ(devices.ports[0].state, "");
    EXPECT_FALSE(devices.ports[0].is_active());
    EXPECT_THAT(devices_below("/nonexistent").ports, IsEmpty());
}
