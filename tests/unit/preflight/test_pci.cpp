// Which GPUs are there, how wide their links are, and which adapter is near.
#include "preflight/node_checks.hpp"
#include "preflight/pci.hpp"
#include "tests/unit/preflight/machine_rig.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;
using testing::SizeIs;

using Pci = Machine;

TEST_F(Pci, finds_gpus_of_any_domain_and_no_other_displays) {
    gpu("pci0000:16/0000:16:01.0/0000:17:00.0", 1);
    gpu("pci10000:00/10000:01:00.0");
    function("pci0000:00/0000:00:02.0", "0x1a03", "0x030000"); // of a BMC
    function("pci0000:00/0000:00:03.0", "0x1002", "0x120000"); // an accelerator of AMD
    function("pci0000:00/0000:00:04.0", "0x10de", "0x068000"); // an NVSwitch
    auto gpus = gpus_below(root);
    ASSERT_THAT(gpus, SizeIs(3));
    EXPECT_EQ(gpus[0].address, "0000:00:03.0");
    EXPECT_EQ(gpus[1].address, "0000:17:00.0");
    EXPECT_THAT(gpus[1].ancestors, ElementsAre("pci0000:16", "0000:16:01.0"));
    EXPECT_EQ(gpus[1].numa, 1);
    EXPECT_TRUE(gpus[1].answers);
    EXPECT_EQ(gpus[2].address, "10000:01:00.0");
}

TEST_F(Pci, reads_links_and_takes_what_cannot_be_for_absent) {
    auto folder = gpu("pci0000:16/0000:17:00.0");
    put(folder + "/current_link_speed", "2.5 GT/s PCIe");
    put(folder + "/current_link_width", "8");
    put(folder + "/max_link_speed", "Unknown");
    put(folder + "/max_link_width", "255");
    auto found = gpus_below(root).at(0);
    EXPECT_EQ(found.link, (PciLink{2.5, 8}));
    EXPECT_EQ(found.best, std::nullopt);
}

TEST_F(Pci, sees_a_function_that_reads_as_all_ones) {
    auto folder = gpu("pci0000:16/0000:17:00.0");
    put(folder + "/config", "\xff\xff\xff\xff");
    EXPECT_FALSE(gpus_below(root).at(0).answers);
}

TEST_F(Pci, tells_how_near_two_are) {
    gpu("pci0000:16/0000:16:01.0/0000:17:00.0/0000:18:00.0/0000:19:00.0", 0);
    adapter("mlx5_0", "pci0000:16/0000:16:01.0/0000:17:00.0/0000:18:01.0/0000:1a:00.0", 0);
    adapter("mlx5_1", "pci0000:16/0000:16:03.0/0000:1b:00.0", 0);
    adapter("mlx5_2", "pci0000:30/0000:30:01.0/0000:31:00.0", 0);
    adapter("mlx5_3", "pci0000:80/0000:80:01.0/0000:81:00.0", 1);
    auto one = gpus_below(root).at(0);
    auto to = [&](const char* name) {
        return nearness(one, function_of(root, std::string("infiniband/") + name).value());
    };
    EXPECT_EQ(to("mlx5_0"), Nearness::same_switch);
    EXPECT_EQ(to("mlx5_1"), Nearness::same_bridge);
    EXPECT_EQ(to("mlx5_2"), Nearness::same_numa);
    EXPECT_EQ(to("mlx5_3"), Nearness::other_numa);
    EXPECT_EQ(function_of(root, "infiniband/none"), std::nullopt);
}

TEST_F(Pci, gives_each_gpu_the_adapter_of_its_switch_whatever_the_names) {
    for (int i = 0; i < 4; ++i) {
        auto bus = std::to_string(i + 1),
             stem = "pci0000:" + bus + "0/0000:" + bus + "0:01.0/0000:" + bus + "1:00.0/";
        gpu(stem + "0000:" + bus + "2:00.0/0000:" + bus + "3:00.0", i / 2);
        adapter("mlx5_" + std::to_string(3 - i), stem + "0000:" + bus + "2:01.0/0000:" + bus + "4:00.0",
                i / 2);
    }
    auto facts = node_facts(root, {}, 1);
    EXPECT_THAT(nearest_adapters(facts), ElementsAre("GPU 0000:13:00.0: mlx5_3, on one PCIe switch",
                                                     "GPU 0000:23:00.0: mlx5_2, on one PCIe switch",
                                                     "GPU 0000:33:00.0: mlx5_1, on one PCIe switch",
                                                     "GPU 0000:43:00.0: mlx5_0, on one PCIe switch"));
}

TEST_F(Pci, shares_out_adapters_that_are_as_near_to_several_gpus) {
    for (int i = 0; i < 4; ++i) gpu("pci0000:10/0000:10:01.0/0000:11:0" + std::to_string(i) + ".0");
    adapter("mlx5_0", "pci0000:10/0000:10:01.0/0000:12:00.0");
    adapter("mlx5_1", "pci0000:10/0000:10:01.0/0000:12:01.0");
    auto facts = node_facts(root, {}, 1);
    std::vector<std::string> names;
    for (const auto& each : facts.gpus) names.push_back(nearest_adapter(facts, each).value());
    EXPECT_THAT(names, ElementsAre("mlx5_0", "mlx5_1", "mlx5_0", "mlx5_1"));
}
