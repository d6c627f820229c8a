#include "slurm/time_text.hpp"

#include <gtest/gtest.h>

using railhead::mebibytes_from;
using railhead::minutes_from;
using railhead::seconds_from;

TEST(TimeText, is_read_as_sbatch_reads_it) {
    EXPECT_EQ(minutes_from("30"), 30u);
    EXPECT_EQ(minutes_from("30:00"), 30u);
    EXPECT_EQ(minutes_from("0:30"), 1u) << "half a minute";
    EXPECT_EQ(minutes_from("1:30:00"), 90u);
    EXPECT_EQ(minutes_from("1-12"), 36u * 60);
    EXPECT_EQ(minutes_from("1-12:30"), 36u * 60 + 30);
    EXPECT_EQ(minutes_from("1-00:00:00"), 24u * 60);
    EXPECT_EQ(minutes_from("UNLIMITED"), UINT32_MAX);
    for (auto text :
         {"", "NONE", "Partition_Limit", "1:2:3:4", "-5", "1-", "x", "99999999999999999999", "99999999-0"})
        EXPECT_EQ(minutes_from(text), std::nullopt) << text;
}

TEST(TimeText, has_seconds_in_what_scontrol_writes) {
    EXPECT_EQ(seconds_from("00:01:30"), 90u);
    EXPECT_EQ(seconds_from("1-02:03:04"), 93784u);
    for (auto text : {"UNLIMITED", "INVALID", ""}) EXPECT_EQ(seconds_from(text), std::nullopt) << text;
}

TEST(SizeText, is_mebibytes_unless_it_says_otherwise) {
    EXPECT_EQ(mebibytes_from("4096"), 4096u);
    EXPECT_EQ(mebibytes_from("4096M"), 4096u);
    EXPECT_EQ(mebibytes_from("4G"), 4096u);
    EXPECT_EQ(mebibytes_from("1T"), 1024u * 1024);
    EXPECT_EQ(mebibytes_from("1025K"), 2u);
    EXPECT_EQ(mebibytes_from("4Gn"), 4096u);
    EXPECT_EQ(mebibytes_from("0"), 0u);
    for (auto text : {"", "G", "4X", "-1", "1.5G"}) EXPECT_EQ(mebibytes_from(text), std::nullopt) << text;
}
