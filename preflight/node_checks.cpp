#include "preflight/node_checks.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <tuple>

namespace railhead {
namespace {

using Findings = std::vector<Finding>;

constexpr std::uint64_t mib = 1 << 20, gib = 1 << 30;

bool has_active_port(const NodeFacts& facts) {
    const auto& ports = facts.devices.ports;
    return std::any_of(ports.begin(), ports.end(), [](const RdmaPort& port) { return port.is_active(); });
}

void buses(const NodeFacts& facts, Findings& findings) {
    for (const auto& gpu : facts.gpus)
        if (!gpu.answers)
            findings.push_back(
                {.id = "gpu-bus",
                 .level = Level::fail,
                 .where = "GPU " + gpu.address,
                 .thing = "it",
                 .seen = "does not answer on the PCI bus",
                 .next = "reboot the node, and have the GPU and its power looked at if it comes back"});
}

void drivers(const NodeFacts& facts, Findings& findings) {
    if (facts.gpus_of_driver.empty()) return;
    constexpr std::uint32_t nvidia = 0x10de;
    for (const auto& gpu : facts.gpus)
        if (gpu.vendor == nvidia && gpu.answers && !facts.gpus_of_driver.contains(gpu.address))
            findings.push_back({.id = "gpu-driver",
                                .level = Level::fail,
                                .where = "GPU " + gpu.address,
                                .thing = "NVIDIA's driver",
                                .seen = "has not got it, and has others",
                                .next = "see the kernel log for why, and reset the GPU or reboot the node"});
}

/// Speeds change with use, lanes do not.
void lanes(const std::string& where, const PciFunction& function, Findings& findings) {
    if (!function.answers || !function.link || !function.best || function.link->width >= function.best->width)
        return;
    findings.push_back({.id = "pcie-width",
                        .level = Level::warn,
                        .where = where,
                        .thing = fmt::format("{} of PCIe", counted(function.link->width, "lane")),
                        .seen = "are in use",
                        .expected = std::to_string(function.best->width),
                        .next = "have it reseated"});
}

/// "25" of "25 Gb/sec (1X EDR)".
double gigabits_of(const RdmaPort& port) {
    return std::strtod(port.rate.c_str(), nullptr);
}

/// Model and link layer: storage and management have adapters of their own.
using Kind = std::tuple<std::uint32_t, std::uint32_t, std::string>;

Kind kind_of(const NodeFacts& facts, const RdmaPort& port) {
    auto adapter = facts.adapters.find(port.device);
    if (adapter == facts.adapters.end()) return {0, 0, port.link_layer};
    return {adapter->second.vendor, adapter->second.device, port.link_layer};
}

/// What most of the ACTIVE ports of a kind have; 0: no three have the same.
double usual_rate(const NodeFacts& facts, const Kind& kind) {
    std::map<double, int> ports;
    for (const auto& port : facts.devices.ports)
        if (port.is_active() && kind_of(facts, port) == kind) ++ports[gigabits_of(port)];
    auto most = std::max_element(ports.begin(), ports.end(),
                                 [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == ports.end() || most->second < 3 ? 0 : most->first;
}

/// A card of two ports often has one cable.
bool is_connected(const NodeFacts& facts, const std::string& device) {
    const auto& ports = facts.devices.ports;
    return std::any_of(ports.begin(), ports.end(),
                       [&](const RdmaPort& port) { return port.device == device && port.is_active(); });
}

void ports(const NodeFacts& facts, Findings& findings) {
    std::map<std::string, std::string> gpu_of; // by adapter
    for (const auto& gpu : facts.gpus)
        if (auto nearest = nearest_adapter(facts, gpu)) gpu_of.emplace(*nearest, gpu.address);
    for (const auto& port : facts.devices.ports) {
        auto gpu = gpu_of.find(port.device);
        if (!is_connected(facts, port.device) && has_active_port(facts)) {
            Finding finding{.id = "rdma-port",
                            .level = gpu == gpu_of.end() ? Level::warn : Level::fail,
                            .where = name_of(port),
                            .thing = "the port"};
            finding.seen = port.state.empty() ? "does not say its state" : "is " + port.state;
            if (gpu != gpu_of.end())
                finding.seen += fmt::format(", and is the nearest to GPU {}", gpu->second);
            finding.expected = "ACTIVE, as others of this node are";
            finding.next =
                "look at the cable, at the switch, and for a subnet manager; NCCL skips it in silence";
            findings.push_back(std::move(finding));
        }
        if (auto usual = usual_rate(facts, kind_of(facts, port));
            port.is_active() && gigabits_of(port) < usual)
            findings.push_back({.id = "rdma-rate",
                                .level = Level::warn,
                                .where = name_of(port),
                                .thing = "the port",
                                .seen = fmt::format("has {}", port.rate),
                                .expected = fmt::format("{} Gb/sec, as most of its kind have here", usual),
                                .next = "have the cable and both of its ends looked at"});
    }
}

void direct(const NodeFacts& facts, Findings& findings) {
    if (facts.direct.value_or(true) || facts.gpus.empty() || !has_active_port(facts)) return;
    findings.push_back({.id = "gpudirect",
                        .level = Level::warn,
                        .thing = "GPUDirect RDMA",
                        .seen = "has no module here, and the driver is not the open one, which does without",
                        .next = "load nvidia_peermem, or install the open kernel modules"});
}

std::string size_of(std::uint64_t bytes) {
    return bytes >= gib ? fmt::format("{:.1f} GiB", static_cast<double>(bytes) / gib)
                        : fmt::format("{} MiB", bytes / mib);
}

void limits(const NodeFacts& facts, Findings& findings) {
    constexpr std::uint64_t enough_locked = 16 * gib, enough_files = 4096;
    if (has_active_port(facts) && facts.locked_bytes && *facts.locked_bytes < enough_locked)
        findings.push_back({.id = "locked-memory",
                            .level = Level::fail,
                            .thing = "the limit of locked memory",
                            .seen = "is " + size_of(*facts.locked_bytes),
                            .expected = "unlimited, for RDMA",
                            .next = "set LimitMEMLOCK=infinity for slurmd, and "
                                    "PropagateResourceLimitsExcept=MEMLOCK in slurm.conf"});
    if (facts.open_files && *facts.open_files < enough_files)
        findings.push_back({.id = "open-files",
                            .level = Level::warn,
                            .thing = "the limit of open files",
                            .seen = fmt::format("is {}", *facts.open_files),
                            .expected = fmt::format("{} or more", enough_files),
                            .next = "set LimitNOFILE for slurmd"});
}

void rooms(const NodeFacts& facts, Findings& findings) {
    constexpr std::uint64_t least_shared = gib, least_free = 256 * mib;
    for (const auto& room : facts.rooms) {
        bool is_shared = room.path == "/dev/shm";
        Finding finding{
            .id = is_shared ? "shared-memory" : "temporary-room", .level = Level::fail, .thing = room.path};
        if (is_shared && room.total_bytes < least_shared && !facts.gpus.empty()) {
            finding.seen = "holds " + size_of(room.total_bytes);
            finding.expected = size_of(least_shared) + " or more, for NCCL and data loaders";
            finding.next = "mount it larger; of a container, with --ipc=host or --shm-size";
        } else if (room.free_bytes < least_free && room.free_bytes < room.total_bytes) {
            finding.seen =
                fmt::format("has {} free of {}", size_of(room.free_bytes), size_of(room.total_bytes));
            finding.next =
                "remove what earlier jobs have left there (railhead sweep removes what launches left)";
        } else if (room.free_files == 0u) {
            finding.seen = "takes no more files";
            finding.next = "remove what earlier jobs have left there";
        } else {
            continue;
        }
        findings.push_back(std::move(finding));
    }
}

void mounts(const NodeFacts& facts, Findings& findings) {
    for (const auto& mount : facts.mounts) {
        Finding finding{
            .id = "mount", .level = Level::fail, .thing = fmt::format("{} ({})", mount.path, mount.kind)};
        finding.next = "see whether its server is up; umount -fl it if it is gone";
        if (mount.state == RemoteMount::State::answers) continue;
        if (mount.state == RemoteMount::State::hangs)
            finding.seen = "does not answer, and holds whoever asks it";
        if (mount.state == RemoteMount::State::fails) finding.seen = "cannot be looked at";
        if (mount.state == RemoteMount::State::not_asked) {
            finding.level = Level::unknown;
            finding.seen = "was not looked at: " + mount.words;
            finding.next = "install stat(1) of coreutils";
        }
        findings.push_back(std::move(finding));
    }
}

void clock(const NodeFacts& facts, Findings& findings) {
    if (facts.clock_is_synchronised.value_or(true)) return;
    findings.push_back({.id = "clock",
                        .level = Level::warn,
                        .thing = "the clock",
                        .seen = "is not synchronised, by what the kernel was told",
                        .next = "see whether chronyd or ntpd runs; munge refuses what is minutes apart"});
}

void kernel_log(const NodeFacts& facts, Findings& findings) {
    for (auto& finding : xid_verdicts(facts.kernel_log, facts.up_s)) findings.push_back(std::move(finding));
    if (facts.kernel_log.unread.empty() || facts.gpus.empty()) return;
    findings.push_back({.id = "kernel-log",
                        .level = Level::unknown,
                        .thing = "the kernel log",
                        .seen = "cannot be read: " + facts.kernel_log.unread,
                        .next = "run this as root to hear of errors of GPUs (Xid)"});
}

/// The smaller, the nearer.
std::tuple<Nearness, long> way_between(const PciFunction& one, const PciFunction& other) {
    return {nearness(one, other), -static_cast<long>(common_way(one, other))};
}

} // namespace

std::vector<std::string> adapters_nearest_to(const NodeFacts& facts, const PciFunction& gpu) {
    std::vector<std::string> nearest;
    for (const auto& port : facts.devices.ports) {
        auto adapter = facts.adapters.find(port.device);
        if (adapter == facts.adapters.end() || (!nearest.empty() && nearest.back() == port.device)) continue;
        if (!nearest.empty()) {
            const auto& best = facts.adapters.at(nearest.front());
            if (way_between(gpu, best) < way_between(gpu, adapter->second)) continue;
            if (way_between(gpu, adapter->second) < way_between(gpu, best)) nearest.clear();
        }
        nearest.push_back(port.device);
    }
    std::sort(nearest.begin(), nearest.end(), [&](const std::string& a, const std::string& b) {
        return facts.adapters.at(a).address < facts.adapters.at(b).address;
    });
    return nearest;
}

std::optional<std::string> nearest_adapter(const NodeFacts& facts, const PciFunction& gpu) {
    const auto nearest = adapters_nearest_to(facts, gpu);
    if (nearest.empty()) return std::nullopt;
    // GPUs that are as near to the same adapters share them out in the order of their addresses.
    const auto& best = facts.adapters.at(nearest.front());
    std::size_t place = 0;
    for (const auto& other : facts.gpus) {
        if (other.address == gpu.address) break;
        const bool shares = way_between(other, best) == way_between(gpu, best) &&
                            common_way(other, gpu) >= common_way(gpu, best);
        place += shares ? 1 : 0;
    }
    return nearest[place % nearest.size()];
}

std::vector<std::string> nearest_adapters(const NodeFacts& facts) {
    std::vector<std::string> lines;
    for (const auto& gpu : facts.gpus)
        if (auto name = nearest_adapter(facts, gpu))
            lines.push_back(fmt::format("GPU {}: {}, {}", gpu.address, *name,
                                        words_of(nearness(gpu, facts.adapters.at(*name)))));
    return lines;
}

std::string looked_at(const NodeFacts& facts) {
    const auto& ports = facts.devices.ports;
    auto active =
        std::count_if(ports.begin(), ports.end(), [](const RdmaPort& port) { return port.is_active(); });
    return fmt::format("{}, {} ({} ACTIVE), {}", counted(facts.gpus.size(), "GPU"),
                       counted(ports.size(), "RDMA port"), active,
                       counted(facts.mounts.size(), "remote file system"));
}

std::vector<Finding> node_verdicts(const NodeFacts& facts) {
    Findings findings;
    buses(facts, findings);
    drivers(facts, findings);
    for (const auto& gpu : facts.gpus) lanes("GPU " + gpu.address, gpu, findings);
    for (const auto& [name, adapter] : facts.adapters) lanes(name, adapter, findings);
    for (auto check : {ports, direct, limits, rooms, mounts, clock, kernel_log}) check(facts, findings);
    sort_worst_first(findings);
    return findings;
}

} // namespace railhead
