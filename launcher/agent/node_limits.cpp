#include "launcher/agent/node_limits.hpp"

#include "base/number.hpp"
#include "launcher/agent/files.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>

namespace railhead {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

/// What a file of the kernel's says in a line.
std::optional<std::uint64_t> number_of(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    return whole_number<std::uint64_t>(text);
}

bool lists(std::string_view comma_separated, std::string_view wanted) {
    auto parts = split(comma_separated, ',');
    return std::find(parts.begin(), parts.end(), wanted) != parts.end();
}

/// One mount of /proc/self/mountinfo, proc(5): "36 35 98:0 ROOT POINT options ... - TYPE source SUPER".
struct Mount {
    std::string_view root, point, type, super;
};

std::optional<Mount> mount_from(std::string_view line) {
    auto dash = line.find(" - ");
    if (dash == std::string_view::npos) return std::nullopt;
    auto before = split(line.substr(0, dash), ' '), after = split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) return std::nullopt;
    return Mount{before[3], before[4], after[0], after[2]};
}

/// The part of a cgroup's path that is below the root of a mount; a mount of another subtree shows nothing.
std::optional<std::string> below(std::string_view path, std::string_view root) {
    if (root == "/") return std::string(path);
    if (path.substr(0, root.size()) != root) return std::nullopt;
    path.remove_prefix(root.size());
    if (path.empty()) return "/";
    if (path.front() != '/') return std::nullopt;
    return std::string(path);
}

std::optional<CgroupPlace> find_mount(std::string_view mountinfo, std::string_view path, int version) {
    std::optional<CgroupPlace> found; // the last one that fits lies on top
    for (auto line : lines_of(mountinfo)) {
        auto mount = mount_from(line);
        if (!mount || mount->type != (version == 1 ? "cgroup" : "cgroup2")) continue;
        if (version == 1 && !lists(mount->super, "memory")) continue;
        if (auto relative = below(path, mount->root))
            found = CgroupPlace{std::string(mount->point), *relative, version};
    }
    return found;
}

} // namespace

std::optional<CgroupPlace> memory_cgroup(std::string_view self_cgroup, std::string_view mountinfo) {
    for (int version : {1, 2})
        for (auto line : lines_of(self_cgroup)) {
            auto first = line.find(':');
            auto second = line.find(':', first == std::string_view::npos ? first : first + 1);
            if (second == std::string_view::npos) continue;
            auto controllers = line.substr(first + 1, second - first - 1);
            if (version == 1 ? !lists(controllers, "memory") : !controllers.empty()) continue;
            if (auto place = find_mount(mountinfo, line.substr(second + 1), version)) return place;
        }
    return std::nullopt;
}

std::optional<CgroupPlace> memory_cgroup_of_self() {
    auto cgroup = read_text("/proc/self/cgroup"), mounts = read_text("/proc/self/mountinfo", 4 << 20);
    if (!cgroup || !mounts) return std::nullopt;
    return memory_cgroup(*cgroup, *mounts);
}

std::vector<std::string> cgroup_folders(const CgroupPlace& place) {
    std::vector<std::string> folders;
    for (auto relative = place.relative == "/" ? std::string() : place.relative;;
         relative.erase(relative.rfind('/'))) {
        folders.push_back(place.mount + relative);
        if (relative.empty()) return folders;
    }
}

std::optional<std::uint64_t> cgroup_memory_limit(const CgroupPlace& place) {
    std::optional<std::uint64_t> least;
    for (auto& folder : cgroup_folders(place)) {
        auto text = read_text(folder + (place.version == 1 ? "/memory.limit_in_bytes" : "/memory.max"));
        auto limit = text ? number_of(*text) : std::nullopt; // "max" is no number
        // Version 1 says "no limit" by a number near 2^63.
        if (limit && *limit < (std::uint64_t{1} << 60)) least = std::min(*limit, least.value_or(*limit));
    }
    return least;
}

std::optional<std::uint64_t> oom_kills_in(std::string_view text) {
    for (auto line : lines_of(text))
        if (line.substr(0, 9) == "oom_kill ") return number_of(line.substr(9));
    return std::nullopt;
}

std::optional<std::uint64_t> oom_kills(const CgroupPlace& place) {
    // Version 1 counts a kill in the victim's own cgroup only, version 2 in its ancestors too. Beyond the
    // step the count is of others.
    std::optional<std::uint64_t> kills;
    for (auto& folder : cgroup_folders(place)) {
        if (kills && folder.find("/step_") == std::string::npos) break;
        auto text = read_text(folder + (place.version == 1 ? "/memory.oom_control" : "/memory.events"));
        auto here = text ? oom_kills_in(*text) : std::nullopt;
        if (here && place.version == 1) kills = kills.value_or(0) + *here;
        if (here && place.version == 2) kills = std::max(kills.value_or(0), *here);
    }
    return kills;
}

std::optional<std::uint64_t> memory_total(std::string_view meminfo) {
    for (auto line : lines_of(meminfo)) {
        if (line.substr(0, 9) != "MemTotal:") continue;
        auto words = split(line, ' ');
        if (words.size() < 2 || words.back() != "kB") return std::nullopt;
        auto kilobytes = number_of(words[words.size() - 2]);
        return kilobytes ? std::optional(*kilobytes << 10) : std::nullopt;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> memory_here() {
    auto meminfo = read_text("/proc/meminfo");
    auto place = memory_cgroup_of_self();
    std::optional<std::uint64_t> least;
    for (auto bound : {meminfo ? memory_total(*meminfo) : std::nullopt,
                       place ? cgroup_memory_limit(*place) : std::nullopt})
        if (bound) least = std::min(*bound, least.value_or(*bound));
    return least;
}

std::vector<int> cpus_by_affinity() {
    std::vector<int> cpus;
    for (int capacity = 1024; capacity <= 1 << 20; capacity *= 4) {
        cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(capacity));
        auto size = CPU_ALLOC_SIZE(static_cast<std::size_t>(capacity));
        CPU_ZERO_S(size, set);
        bool fits = sched_getaffinity(0, size, set) == 0;
        for (int cpu = 0; fits && cpu < capacity; ++cpu)
            if (CPU_ISSET_S(static_cast<std::size_t>(cpu), size, set)) cpus.push_back(cpu);
        CPU_FREE(set);
        if (fits) break;
    }
    return cpus;
}

std::optional<std::uint64_t> free_bytes(const std::string& path) {
    struct statvfs status {};
    if (statvfs(path.c_str(), &status) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

std::optional<std::uint64_t> free_files(const std::string& path) {
    struct statvfs status {};
    if (statvfs(path.c_str(), &status) != 0 || status.f_files == 0) return std::nullopt;
    return static_cast<std::uint64_t>(status.f_favail);
}

std::optional<std::uint64_t> limit_of(int resource) {
    rlimit limit{};
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return std::nullopt;
    return limit.rlim_cur;
}

std::optional<std::uint64_t> raise_open_files() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
    rlimit raised{limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) != 0) return limit.rlim_cur;
    return raised.rlim_cur;
}

} // namespace railhead
