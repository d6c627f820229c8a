#include "preflight/kernel_log.hpp"

#include "base/fd.hpp"
#include "base/number.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <tuple>

namespace railhead {
namespace {

struct Meaning {
    std::uint32_t code;
    Level level;
    const char *seen, *next;
};

constexpr auto reset = "reset the GPU (nvidia-smi --gpu-reset) once nobody uses it";
constexpr auto reboot = "reboot the node, and have the GPU and its power looked at if it comes back";
constexpr auto replace = "have the GPU replaced if it comes back after a reset";
constexpr auto program =
    "look at the program that ran then; the GPU is all right unless others have it there, too";

// NVIDIA's "Xid Errors" (GPU Deployment and Management documentation), in its words and with its actions.
constexpr Meaning meanings[] = {
    {13, Level::info, "a program's fault (graphics engine exception)", program},
    {31, Level::info, "a program's fault (it used memory that is not its own)", program},
    {32, Level::warn, "a damaged command stream",
     "look at the program that ran then, and for a newer driver"},
    {43, Level::info, "a program's fault (the GPU stopped its work)", program},
    {45, Level::info, "the end of a program's work, after another error or by its own end",
     "look at the error before it"},
    {48, Level::fail, "memory that cannot be corrected (double bit ECC)", reset},
    {54, Level::fail, "no auxiliary power", "have the power cables looked at"},
    {61, Level::warn, "an internal micro-controller's break", reset},
    {62, Level::fail, "an internal micro-controller's halt", reset},
    {63, Level::warn, "memory that is remapped at the next reset", reset},
    {64, Level::fail, "memory that could not be remapped", replace},
    {69, Level::info, "a program's fault (graphics engine class error)", program},
    {74, Level::fail, "an error of NVLink",
     "reset all GPUs of the node together; have the link looked at if it comes back"},
    {79, Level::fail, "the GPU fell off the bus", reboot},
    {92, Level::warn, "many corrected memory errors", replace},
    {94, Level::warn, "a memory error that ended only the program that used it", reset},
    {95, Level::fail, "a memory error that other programs may have seen", reset},
    {109, Level::warn, "a switch between programs that did not end", reset},
    {119, Level::fail, "the GPU's system processor did not answer",
     "reset the GPU, or reboot the node where that fails"},
    {120, Level::fail, "the GPU's system processor failed",
     "reset the GPU, or reboot the node where that fails"},
    {137, Level::warn, "a program reached for another GPU's memory without a right", program},
    {140, Level::fail, "memory that cannot be corrected", reset},
    {143, Level::fail, "the GPU could not be started", reboot},
    {149, Level::fail, "an error of NVLink",
     "reset all GPUs of the node together; have the link looked at if it comes back"},
};

const Meaning* meaning_of(std::uint32_t code) {
    const auto* found = std::find_if(std::begin(meanings), std::end(meanings),
                                     [&](const Meaning& each) { return each.code == code; });
    return found == std::end(meanings) ? nullptr : found;
}

std::string ago(double seconds) {
    if (seconds < 120) return fmt::format("{:.0f} s ago", std::max(0.0, seconds));
    if (seconds < 2 * 3600) return fmt::format("{:.0f} min ago", seconds / 60);
    if (seconds < 48 * 3600) return fmt::format("{:.0f} h ago", seconds / 3600);
    return fmt::format("{:.0f} days ago", seconds / 86400);
}

std::string_view behind(std::string_view text, std::string_view word) {
    auto at = text.find(word);
    return at == text.npos ? std::string_view() : text.substr(at + word.size());
}

} // namespace

std::optional<KernelRecord> kernel_record_from(std::string_view record) {
    auto head = record.substr(0, record.find(';'));
    if (head.size() == record.size()) return std::nullopt;
    auto text = record.substr(head.size() + 1);
    text = text.substr(0, text.find('\n')); // what follows are its keys
    auto after_level = behind(head, ","), after_number = behind(after_level, ",");
    auto microseconds = leading_number<std::uint64_t>(after_number);
    if (!microseconds) return std::nullopt;
    return KernelRecord{.at_s = static_cast<double>(*microseconds) / 1e6, .text = std::string(text)};
}

std::optional<Xid> xid_from(std::string_view text) {
    Xid xid;
    auto rest = behind(text, "SXid (PCI:");
    xid.of_switch = !rest.empty();
    if (rest.empty()) rest = behind(text, "Xid (PCI:");
    auto close = rest.find("): ");
    if (close == rest.npos) return std::nullopt;
    xid.address = rest.substr(0, close);
    rest.remove_prefix(close + 3);
    auto code = leading_number<std::uint32_t>(rest);
    if (!code || xid.address.empty() || xid.address.size() > 20) return std::nullopt;
    xid.code = *code;
    auto comma = rest.find(", ");
    if (comma != rest.npos) xid.text = rest.substr(comma + 2, 200);
    return xid;
}

constexpr std::size_t most_reads = 1 << 18; // a log that is written to faster than it is read has no end

KernelLog read_kernel_log(const std::string& path) {
    KernelLog log;
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) {
        log.unread = std::strerror(errno);
        return log;
    }
    std::string record(8192, '\0'); // no record is longer
    for (std::size_t bytes = 0, reads = 0; bytes < most_log_bytes && reads < most_reads; ++reads) {
        auto size = ::read(file.get(), record.data(), record.size());
        if (size < 0 && (errno == EINTR || errno == EPIPE))
            continue; // EPIPE: it was overwritten; the next one is not
        if (size < 0 && errno != EAGAIN) log.unread = std::strerror(errno);
        if (size <= 0) break;
        bytes += static_cast<std::size_t>(size);
        auto read = kernel_record_from({record.data(), static_cast<std::size_t>(size)});
        if (!read || !xid_from(read->text)) continue;
        if (log.records.size() >= most_log_records) log.records.erase(log.records.begin());
        log.records.push_back(std::move(*read));
    }
    return log;
}

std::vector<Finding> xid_verdicts(const KernelLog& log, double now_s) {
    struct Seen {
        std::size_t times = 0;
        double last_s = 0;
        std::string text;
    };
    std::map<std::tuple<std::string, bool, std::uint32_t>, Seen> all;
    for (const auto& record : log.records)
        if (auto xid = xid_from(record.text)) {
            auto& seen = all[{xid->address, xid->of_switch, xid->code}];
            ++seen.times;
            seen.last_s = record.at_s;
            seen.text = xid->text;
        }
    std::vector<Finding> findings;
    for (const auto& [key, seen] : all) {
        const auto& [address, of_switch, code] = key;
        const auto* meaning = of_switch ? nullptr : meaning_of(code);
        bool is_fatal = of_switch && seen.text.starts_with("Fatal");
        Finding finding{.id = "gpu-xid",
                        .level = meaning    ? meaning->level
                                 : is_fatal ? Level::fail
                                            : Level::warn};
        finding.where = (of_switch ? "NVSwitch " : "GPU ") + address;
        finding.thing = fmt::format("{} {}", of_switch ? "SXid" : "Xid", code);
        finding.seen = fmt::format("was logged {}, {}: {}",
                                   seen.times == 1 ? "once" : fmt::format("{} times", seen.times),
                                   ago(now_s - seen.last_s), meaning ? meaning->seen : seen.text);
        finding.next = meaning     ? meaning->next
                       : of_switch ? "tell the administrator, with the lines of the kernel log"
                                   : "look it up in NVIDIA's list of Xid errors";
        findings.push_back(std::move(finding));
    }
    return findings;
}

} // namespace railhead
