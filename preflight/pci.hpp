#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

struct PciLink {
    double gigatransfers = 0; ///< per second and lane
    std::uint32_t width = 0;  ///< lanes
    bool operator==(const PciLink&) const = default;
};

/// A PCI function as sysfs shows it (Documentation/ABI/testing/sysfs-bus-pci). What cannot be read is absent.
struct PciFunction {
    std::string address;                ///< "0000:17:00.0"; domains are not only 0000
    std::uint32_t vendor = 0;           ///< 0x10de
    std::uint32_t device = 0;           ///< 0x2330: with its vendor the model
    std::uint32_t kind = 0;             ///< class code, 0x030200
    std::optional<int> numa;            ///< NUMA node
    std::string cpus;                   ///< those near to it: "0-15,64-79"
    std::vector<std::string> ancestors; ///< from the host bridge ("pci0000:16") down to the bridge above it
    std::optional<PciLink> link, best;  ///< what it has, and what both ends could
    bool answers = true;                ///< false: its configuration space reads as all ones
};

/// How two functions reach each other, the nearest first.
enum class Nearness { same_switch, same_bridge, same_numa, other_numa };

constexpr std::size_t most_functions = 8192;

/// GPUs of NVIDIA and AMD below `root`/sys, in the order of their addresses.
std::vector<PciFunction> gpus_below(const std::string& root);
/// The function that a device of /sys/class is of ("infiniband/mlx5_0"); absent: of none.
std::optional<PciFunction> function_of(const std::string& root, const std::string& device);

Nearness nearness(const PciFunction& one, const PciFunction& other);
/// "on one PCIe switch", for a sentence.
const char* words_of(Nearness nearness);

/// How much of the way from their host bridge two functions share, in bridges.
std::size_t common_way(const PciFunction& one, const PciFunction& other);

} // namespace railhead
