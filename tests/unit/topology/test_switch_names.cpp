#include "topology/switch_names.hpp"

#include <gtest/gtest.h>

using namespace railhead::topology;

TEST(SwitchName, is_what_its_owner_wrote) {
    EXPECT_EQ(switch_name_from("MF0;leaf-1-2:MQM8700/U1"), "leaf-1-2");
    EXPECT_EQ(switch_name_from("leaf-1-2:MQM8700/U1"), "leaf-1-2");
    EXPECT_EQ(switch_name_from("leaf3"), "leaf3");
    EXPECT_EQ(switch_name_from("leaf-IB01 "), "leaf-IB01") << "as a switch of ibnetdiscover -p says it";
    EXPECT_EQ(switch_name_from("MF0;director1:CS7500/L03/U1"), "director1-L03");
    EXPECT_EQ(switch_name_from("MF0;director1:CS7500/S01/U2"), "director1-S01");
}

TEST(SwitchName, is_nothing_that_a_vendor_wrote) {
    EXPECT_EQ(switch_name_from("SwitchX -  Mellanox Technologies"), "");
    EXPECT_EQ(switch_name_from("Quantum Mellanox Technologies"), "");
    EXPECT_EQ(switch_name_from(""), "");
    EXPECT_EQ(switch_name_from("MF0;Infiniband switch:MSX6036F/U1"), "");
    EXPECT_EQ(switch_name_from("MF0;localhost:MQM8700/U1"), "");
    EXPECT_EQ(switch_name_from("MF0;NVIDIA-leaf1:MQM9700/U1"), "NVIDIA-leaf1") << "one word is somebody's";
}

TEST(SwitchName, is_cleaned_of_what_cannot_be_in_a_name) {
    EXPECT_EQ(switch_name_from("Rack 1 leaf 2"), "Rack-1-leaf-2");
    EXPECT_EQ(switch_name_from("MF0;su 1 leaf 2:MQM8700/U1"), "su-1-leaf-2");
    EXPECT_EQ(switch_name_from("leaf[1]"), "leaf-1");
    EXPECT_EQ(switch_name_from("#rack1/leaf \xC3\xBC"), "rack1-leaf");
    EXPECT_EQ(switch_name_from("a - b"), "a-b") << "one - for what is around it";
    EXPECT_EQ(switch_name_from("Schrank-\xC3\xA4-1"), "Schrank-1");
    EXPECT_EQ(switch_name_from("rack1/L2"), "rack1-L2") << "no chip of a director";
    EXPECT_EQ(switch_name_from("rack;1:2"), "rack-1-2") << "no form of a vendor's";
    EXPECT_EQ(switch_name_from("[#]"), "");
    EXPECT_EQ(switch_name_from(std::string(65, 'x')), std::string(55, 'x') + "-b42b1787")
        << "longer than Slurm takes";
    EXPECT_EQ(switch_name_from(std::string(63, 'x') + " y"), std::string(55, 'x') + "-b6a78efd")
        << "no other than one with the same first letters";
    EXPECT_EQ(switch_name_from("MF0;" + std::string(80, 'x') + ":CS7500/L03/U1"),
              std::string(51, 'x') + "-67b9d905-L03");
}

TEST(CommonName, is_whole_parts_that_all_have) {
    EXPECT_EQ(common_name({"su1-leaf1", "su1-leaf2", "su1-leaf8"}), "su1");
    EXPECT_EQ(common_name({"rail1-su3", "rail2-su3"}), "su3");
    EXPECT_EQ(common_name({"L01R1", "L01R2"}), "L01");
    EXPECT_EQ(common_name({"A09-LEAF-01-08", "A09-LEAF-02-08", "A09-LEAF-04-08"}), "A09-LEAF-08");
    EXPECT_EQ(common_name({"a-a", "a-a"}), "a-a") << "no part twice";
    EXPECT_EQ(common_name({"leaf-1-1", "leaf-1-2"}), "leaf-1");
    EXPECT_EQ(common_name({"su12", "su13"}), "") << "half a number is no part";
    EXPECT_EQ(common_name({"leaf101", "leaf102"}), "");
    EXPECT_EQ(common_name({"a", "b"}), "");
    EXPECT_EQ(common_name({"one"}), "one");
    EXPECT_EQ(common_name({}), "");
}

TEST(NameCut, tells_of_one_leaf_what_group_it_would_be_in) {
    auto behind = cut_between("su1-leaf3", "su1"), front = cut_between("rail1-su3", "su3");
    ASSERT_TRUE(behind && front);
    EXPECT_EQ(*behind, (NameCut{"", "-leaf#"}));
    EXPECT_EQ(*front, (NameCut{"rail#-", ""}));
    EXPECT_EQ(cut_off("su20-leaf12", *behind), "su20");
    EXPECT_EQ(cut_off("rail8-su30", *front), "su30");
    EXPECT_EQ(cut_off("storage-leaf", *behind), "");
    EXPECT_EQ(cut_between("A09-LEAF-01-08", "A09-LEAF-08"), std::nullopt) << "in the middle";
    EXPECT_EQ(cut_between("su1", "su1"), std::nullopt);
}

TEST(NumberedName, keeps_within_slurms_bound) {
    EXPECT_EQ(numbered_name("su1", 2), "su1-2");
    EXPECT_EQ(numbered_name(std::string(64, 'a'), 12), std::string(61, 'a') + "-12");
}

TEST(SwitchLabels, tell_switches_of_one_name_apart) {
    FabricBuilder build;
    for (std::uint64_t guid : {1, 2, 3})
        build.at(build.device(DeviceKind::network_switch, guid)).description =
            guid == 3 ? "leaf3" : "Voltaire 4036 - 36 QDR ports switch";
    const auto fabric = std::move(build).finish();
    const SwitchLabels labels(fabric);
    EXPECT_EQ(labels(1), "Voltaire-4036-36-QDR-ports-switch (S-0000000000000002)");
    EXPECT_EQ(labels(2), "leaf3");
}
