#pragma once
#include "base/environment.hpp"
#include "preflight/devices.hpp"
#include "preflight/kernel_log.hpp"
#include "preflight/pci.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

struct Room {
    std::string path;
    std::uint64_t total_bytes = 0, free_bytes = 0;
    std::optional<std::uint64_t> free_files; ///< absent where they are not counted
};

/// A file system of another machine, and whether it answered.
struct RemoteMount {
    enum class State { not_asked, answers, hangs, fails };
    std::string path, kind; ///< "/home", "nfs4"
    State state = State::not_asked;
    std::string words; ///< why it was not asked
};

/// What is known of a node. What could not be read is absent, and never a plausible value.
struct NodeFacts {
    std::vector<PciFunction> gpus;
    std::map<std::string, PciFunction> adapters; ///< by RDMA device
    Devices devices;
    /// Address of a GPU -> the number of its device file, /dev/nvidia0; none: there is no driver of NVIDIA's.
    std::map<std::string, std::optional<std::uint32_t>> gpus_of_driver;
    std::string default_interface;             ///< of the default route
    std::optional<bool> direct;                ///< GPUDirect RDMA: a module for it, or a driver with DMA-BUF
    std::optional<std::uint64_t> locked_bytes; ///< RLIMIT_MEMLOCK; UINT64_MAX: unlimited
    std::optional<std::uint64_t> open_files;   ///< RLIMIT_NOFILE, the hard one
    std::vector<Room> rooms;                   ///< /dev/shm and the folder for temporary files
    std::vector<RemoteMount> mounts;
    std::optional<bool> clock_is_synchronised;
    KernelLog kernel_log;
    double up_s = 0; ///< since the start of the machine
};

constexpr std::size_t most_mounts = 256;

/// Reads them; the looks at all mounts have `look_s` seconds together, that at each of the two rooms as much,
/// and what hangs is left behind. `root`: where sys, proc and dev lie ("" but in tests). Starts children.
NodeFacts node_facts(const std::string& root, const Environment& environment, double look_s);

/// GPUs, adapters, ports and the default route only, which takes milliseconds and starts no child.
NodeFacts rail_facts(const std::string& root);

/// The interface of the default route with the lowest metric in a text of /proc/net/route; empty: none.
std::string default_interface_in(const std::string& text);

/// The file systems of other machines in a text of /proc/self/mounts (fstab(5)), with their kinds.
std::vector<RemoteMount> remote_mounts_in(const std::string& text);

} // namespace railhead
