// What the kernel log says of GPUs.
#include "preflight/kernel_log.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

using namespace railhead;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

std::vector<std::string> said_of_kernel(const std::vector<KernelRecord>& records, double now_s = 1000) {
    std::vector<std::string> lines;
    for (const auto& finding : xid_verdicts({.records = records}, now_s))
        lines.push_back(std::string(name_of(finding.level)) + " " + sentence(finding));
    return lines;
}

} // namespace

TEST(KernelLog, reads_records) {
    auto record =
        kernel_record_from("4,1234,98765432,-;NVRM: Xid (PCI:0000:17:00): 79, pid=7\n SUBSYSTEM=pci\n");
    ASSERT_TRUE(record);
    EXPECT_DOUBLE_EQ(record->at_s, 98.765432);
    EXPECT_EQ(record->text, "NVRM: Xid (PCI:0000:17:00): 79, pid=7");
    for (const auto* text : {"", "no record", "4,1234,x,-;text", "4;text"})
        EXPECT_FALSE(kernel_record_from(text)) << text;
}

TEST(KernelLog, reads_xids_and_sxids) {
    auto xid = xid_from(
        "NVRM: Xid (PCI:0000:17:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.");
    ASSERT_TRUE(xid);
    EXPECT_EQ(xid->address, "0000:17:00");
    EXPECT_EQ(xid->code, 79U);
    EXPECT_FALSE(xid->of_switch);
    auto sxid = xid_from("nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 22013, Non-fatal, Link 13 something");
    ASSERT_TRUE(sxid);
    EXPECT_TRUE(sxid->of_switch);
    EXPECT_EQ(sxid->code, 22013U);
    EXPECT_EQ(sxid->text, "Non-fatal, Link 13 something");
    for (const auto* text : {"usb 1-1: new device", "Xid (PCI:", "Xid (PCI:0000): ",
                             "NVRM: Xid (PCI:0000:17:00): x", "Xid (PCI:): 3"})
        EXPECT_FALSE(xid_from(text)) << text;
}

TEST(KernelLog, says_each_error_once_with_what_to_do) {
    EXPECT_THAT(
        said_of_kernel({{100, "NVRM: Xid (PCI:0000:17:00): 79, GPU has fallen off the bus."},
                        {940, "NVRM: Xid (PCI:0000:17:00): 79, GPU has fallen off the bus."}}),
        ElementsAre("fail GPU 0000:17:00: Xid 79 was logged 2 times, 60 s ago: the GPU fell off the bus; "
                    "reboot the node, and have the GPU and its power looked at if it comes back"));
    EXPECT_THAT(
        said_of_kernel({{100, "NVRM: Xid (PCI:0000:17:00): 31, MMU fault"}}),
        ElementsAre(HasSubstr("info GPU 0000:17:00: Xid 31 was logged once, 15 min ago: a program's fault")));
    EXPECT_THAT(said_of_kernel({{100, "NVRM: Xid (PCI:0000:17:00): 999, what is this"}}),
                ElementsAre(HasSubstr(
                    "warn GPU 0000:17:00: Xid 999 was logged once, 15 min ago: what is this; look it up")));
    EXPECT_THAT(
        said_of_kernel({{100, "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, LTSSM Fault Up"}}),
        ElementsAre(HasSubstr(
            "fail NVSwitch 0000:c1:00.0: SXid 20034 was logged once, 15 min ago: Fatal, LTSSM Fault Up")));
    EXPECT_THAT(said_of_kernel({{100, "usb 1-1: new device"}}), IsEmpty());
}

TEST(KernelLog, says_why_it_cannot_be_read) {
    EXPECT_EQ(read_kernel_log("/nonexistent").unread, "No such file or directory");
    EXPECT_EQ(read_kernel_log("/dev/null").unread, "");
}
