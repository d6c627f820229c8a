#pragma once
#include "base/finding.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// A record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg).
struct KernelRecord {
    double at_s = 0; ///< since the start of the machine
    std::string text;
};

/// "6,339,5140900,-;NVRM: ...": absent: none.
std::optional<KernelRecord> kernel_record_from(std::string_view record);

/// An error of a GPU or NVSwitch, as NVIDIA's driver logs it: "NVRM: Xid (PCI:0000:17:00): 79, ..." and
/// "nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 22013, Non-fatal, ...".
struct Xid {
    std::string address; ///< "0000:17:00"
    std::uint32_t code = 0;
    bool of_switch = false;
    std::string text; ///< what follows the code
};
std::optional<Xid> xid_from(std::string_view text);

struct KernelLog {
    std::vector<KernelRecord> records; ///< those that hold an Xid or SXid, the newest at the end
    std::string unread;                ///< why the log could not be read; empty: it was
};
/// Of /dev/kmsg, at most so many bytes of it; does not wait.
constexpr std::size_t most_log_bytes = std::size_t{8} << 20, most_log_records = 4096;
KernelLog read_kernel_log(const std::string& path = "/dev/kmsg");

/// gpu-xid: each code of each GPU once, how often, how long ago, what it means and what to do. `now_s`: since
/// the start of the machine.
std::vector<Finding> xid_verdicts(const KernelLog& log, double now_s);

} // namespace railhead
