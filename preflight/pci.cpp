#include "preflight/pci.hpp"

#include "base/fd.hpp"
#include "preflight/sysfs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

namespace railhead {
namespace {

constexpr std::uint32_t nvidia = 0x10de, amd = 0x1002;
constexpr std::uint32_t vga = 0x0300, display_3d = 0x0302, display_other = 0x0380, accelerator = 0x1200;

/// "16.0 GT/s PCIe", "8.0 GT/s", "Unknown".
std::optional<PciLink> link_in(const std::string& folder, const std::string& which) {
    auto speed = sysfs::line_in(folder + "/" + which + "_link_speed");
    auto width = sysfs::number_in(folder + "/" + which + "_link_width");
    auto gigatransfers = std::strtod(speed.c_str(), nullptr);
    // 63 and 255 are what lanes are that cannot be read.
    if (!width || *width <= 0 || *width > 32 || gigatransfers <= 0) return std::nullopt;
    return PciLink{.gigatransfers = gigatransfers, .width = static_cast<std::uint32_t>(*width)};
}

/// Vendor and device of a function that has fallen off the bus read as all ones.
bool answers(const std::string& folder) {
    UniqueFd config(::open((folder + "/config").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<unsigned char, 4> head{};
    if (!config || ::read(config.get(), head.data(), head.size()) != static_cast<ssize_t>(head.size()))
        return true; // not known
    return std::any_of(head.begin(), head.end(), [](unsigned char byte) { return byte != 0xFF; });
}

std::optional<PciFunction> function_at(const std::string& folder) {
    std::error_code error;
    auto path = std::filesystem::canonical(folder, error); // .../devices/pci0000:16/0000:16:01.0/0000:17:00.0
    if (error) return std::nullopt;
    PciFunction function{.address = path.filename()};
    for (const auto& part : path.parent_path()) {
        const auto name = part.string();
        bool is_host_bridge = name.starts_with("pci") && name.find(':') != name.npos;
        if (is_host_bridge || !function.ancestors.empty()) function.ancestors.push_back(name);
    }
    auto number = [&](const char* name) {
        return static_cast<std::uint32_t>(sysfs::number_in(folder + "/" + name).value_or(0));
    };
    function.vendor = number("vendor");
    function.device = number("device");
    function.kind = number("class");
    if (auto node = sysfs::number_in(folder + "/numa_node"); node && *node >= 0)
        function.numa = static_cast<int>(*node);
    function.cpus = sysfs::line_in(folder + "/local_cpulist");
    function.link = link_in(folder, "current");
    function.best = link_in(folder, "max");
    function.answers = answers(folder);
    return function;
}

bool is_gpu(const PciFunction& function) {
    auto kind = function.kind >> 8;
    if (function.vendor == nvidia) return kind == vga || kind == display_3d;
    return function.vendor == amd && (kind == vga || kind == display_other || kind == accelerator);
}

} // namespace

std::vector<PciFunction> gpus_below(const std::string& root) {
    const auto folder = root + "/sys/bus/pci/devices/";
    std::vector<PciFunction> gpus;
    for (const auto& name : sysfs::names_in(folder, most_functions))
        if (auto function = function_at(folder + name); function && is_gpu(*function))
            gpus.push_back(std::move(*function));
    std::sort(gpus.begin(), gpus.end(),
              [](const PciFunction& a, const PciFunction& b) { return a.address < b.address; });
    return gpus;
}

std::optional<PciFunction> function_of(const std::string& root, const std::string& device) {
    auto function = function_at(root + "/sys/class/" + device + "/device");
    if (!function || function->ancestors.empty()) return std::nullopt;
    return function;
}

std::size_t common_way(const PciFunction& one, const PciFunction& other) {
    auto ends = std::mismatch(one.ancestors.begin(), one.ancestors.end(), other.ancestors.begin(),
                              other.ancestors.end());
    return static_cast<std::size_t>(ends.first - one.ancestors.begin());
}

Nearness nearness(const PciFunction& one, const PciFunction& other) {
    auto common = common_way(one, other);
    if (common > 1) return Nearness::same_switch;
    if (common == 1) return Nearness::same_bridge;
    return one.numa && one.numa == other.numa ? Nearness::same_numa : Nearness::other_numa;
}

const char* words_of(Nearness nearness) {
    switch (nearness) {
    case Nearness::same_switch:
        return "on one PCIe switch";
    case Nearness::same_bridge:
        return "on one host bridge";
    case Nearness::same_numa:
        return "on one NUMA node";
    case Nearness::other_numa:
        break;
    }
    return "on another NUMA node";
}

} // namespace railhead
