#include "preflight/node_facts.hpp"

#include "base/child.hpp"
#include "base/clock.hpp"
#include "base/number.hpp"
#include "preflight/sysfs.hpp"

#include <sys/resource.h>
#include <sys/timex.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace railhead {
namespace {

constexpr std::string_view remote_kinds[] = {"nfs",       "nfs4", "lustre",   "gpfs",   "beegfs",
                                             "ceph",      "cifs", "smb3",     "wekafs", "panfs",
                                             "glusterfs", "9p",   "orangefs", "pvfs2",  "afs"};

bool is_remote(std::string_view kind) {
    return std::find(std::begin(remote_kinds), std::end(remote_kinds), kind) != std::end(remote_kinds) ||
           (kind.starts_with("fuse.") && kind != "fuse.lxcfs" && kind != "fuse.portal" &&
            kind != "fuse.gvfsd-fuse");
}

/// "\040" is a blank (fstab(5)).
std::string without_escapes(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool escaped =
            text[i] == '\\' && i + 3 < text.size() && text.find_first_not_of("01234567", i + 1) >= i + 4;
        plain +=
            escaped
                ? static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'))
                : text[i];
        i += escaped ? 3 : 0;
    }
    return plain;
}

/// One child for each, for a file system that hangs holds whoever asks it, also against SIGKILL.
void ask(std::vector<RemoteMount>& mounts, const Environment& environment, double seconds) {
    UniqueFd silent(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    std::vector<std::optional<Child>> children;
    for (const auto& mount : mounts) {
        auto child = Child::start({.argv = {"stat", "-f", "--", mount.path},
                                   .env = environment.all(),
                                   .stdout_fd = silent.get(),
                                   .stderr_fd = silent.get()});
        children.push_back(child ? std::optional(std::move(*child)) : std::nullopt);
        if (!child) mounts[children.size() - 1].words = sentence(child.error());
    }
    const auto deadline = Deadline::in(seconds);
    for (std::size_t i = 0; i < mounts.size(); ++i) {
        if (!children[i]) continue;
        auto status = children[i]->wait(deadline.left_s());
        if (!status) (void)children[i]->signal(SIGKILL);
        mounts[i].state = !status             ? RemoteMount::State::hangs
                          : status->success() ? RemoteMount::State::answers
                                              : RemoteMount::State::fails;
    }
}

std::optional<std::uint64_t> limit(int resource, bool hard) {
    rlimit limits{};
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limits) != 0) return std::nullopt;
    auto value = hard ? limits.rlim_max : limits.rlim_cur;
    return value == RLIM_INFINITY ? UINT64_MAX : static_cast<std::uint64_t>(value);
}

/// By a child, too: the folder for temporary files may lie on a file system that hangs.
std::optional<Room> room_at(const std::string& path, const Environment& environment, double seconds) {
    auto answer = capture(
        {.argv = {"stat", "-f", "-c", "%S %b %a %c %d", "--", path}, .env = environment.all()}, seconds);
    if (!answer || !answer->status || !answer->status->success()) return std::nullopt;
    std::uint64_t size = 0, blocks = 0, free_blocks = 0, files = 0, free_files = 0;
    std::istringstream words(answer->out);
    if (!(words >> size >> blocks >> free_blocks >> files >> free_files)) return std::nullopt;
    Room room{.path = path, .total_bytes = blocks * size, .free_bytes = free_blocks * size};
    if (files > 0) room.free_files = free_files;
    return room;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool is_there(const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

/// nvidia_peermem, its predecessors, AMD's own, or the open kernel modules with DMA-BUF (since Linux 5.12).
std::optional<bool> has_direct(const std::string& root) {
    for (const auto* path : {"/sys/module/nvidia_peermem", "/sys/kernel/mm/memory_peers/nv_mem",
                             "/sys/kernel/mm/memory_peers/nv_mem_nc", "/sys/kernel/mm/memory_peers/amdkfd"})
        if (is_there(root + path)) return true;
    auto version = sysfs::line_in(root + "/proc/driver/nvidia/version");
    if (version.empty()) return std::nullopt;
    return version.find("Open Kernel Module") != version.npos;
}

/// "Device Minor: \t 3".
std::optional<std::uint32_t> device_number_in(const std::string& information) {
    constexpr std::string_view name = "Device Minor:";
    auto at = information.find(name);
    if (at == information.npos) return std::nullopt;
    auto line = std::string_view(information).substr(at + name.size());
    line = line.substr(0, line.find('\n'));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return whole_number<std::uint32_t>(line);
}

} // namespace

std::vector<RemoteMount> remote_mounts_in(const std::string& text) {
    std::vector<RemoteMount> mounts;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line) && mounts.size() < most_mounts;) {
        std::istringstream words(line);
        std::string device, path, kind;
        if (words >> device >> path >> kind && is_remote(kind))
            mounts.push_back({.path = without_escapes(path), .kind = kind});
    }
    return mounts;
}

std::string default_interface_in(const std::string& text) {
    std::istringstream lines(text);
    std::string line, best;
    std::optional<long> least;
    std::getline(lines, line); // the names of the columns
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string name, destination, gateway, flags, mask;
        long references = 0, uses = 0, metric = 0;
        if (!(words >> name >> destination >> gateway >> flags >> references >> uses >> metric >> mask) ||
            destination != "00000000" || mask != "00000000" || (least && *least <= metric))
            continue;
        least = metric;
        best = name;
    }
    return best;
}

NodeFacts rail_facts(const std::string& root) {
    NodeFacts facts;
    facts.gpus = gpus_below(root);
    facts.devices = devices_below(root);
    for (const auto& port : facts.devices.ports)
        if (!facts.adapters.contains(port.device))
            if (auto function = function_of(root, "infiniband/" + port.device))
                facts.adapters.emplace(port.device, std::move(*function));
    for (const auto& address : sysfs::names_in(root + "/proc/driver/nvidia/gpus", most_functions))
        facts.gpus_of_driver.emplace(address, device_number_in(text_of(root + "/proc/driver/nvidia/gpus/" +
                                                                       address + "/information")));
    facts.default_interface = default_interface_in(text_of(root + "/proc/net/route"));
    return facts;
}

NodeFacts node_facts(const std::string& root, const Environment& environment, double look_s) {
    auto facts = rail_facts(root);
    facts.direct = has_direct(root);
    facts.locked_bytes = limit(RLIMIT_MEMLOCK, false);
    facts.open_files = limit(RLIMIT_NOFILE, true);
    for (const auto& path : {std::string("/dev/shm"), environment.get("TMPDIR").value_or("/tmp")})
        if (auto room = room_at(path, environment, look_s)) facts.rooms.push_back(std::move(*room));
    facts.mounts = remote_mounts_in(text_of(root + "/proc/self/mounts"));
    ask(facts.mounts, environment, look_s);
    timex clock{};
    if (adjtimex(&clock) >= 0) facts.clock_is_synchronised = (clock.status & STA_UNSYNC) == 0;
    facts.kernel_log = read_kernel_log(root + "/dev/kmsg");
    timespec up{};
    clock_gettime(CLOCK_BOOTTIME, &up);
    facts.up_s = static_cast<double>(up.tv_sec);
    return facts;
}

} // namespace railhead
