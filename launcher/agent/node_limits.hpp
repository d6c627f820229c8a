#pragma once
#include "base/environment.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// Where this process's memory cgroup is mounted. cgroups(7), version 1 or 2.
struct CgroupPlace {
    std::string mount;    ///< "/sys/fs/cgroup/memory"
    std::string relative; ///< below the mount: "/slurm/uid_0/job_7/step_0"; "/" for the mount itself
    int version = 0;
    bool operator==(const CgroupPlace&) const = default;
};

/// From the texts of /proc/self/cgroup and /proc/self/mountinfo; a version 1 memory controller goes before
/// version 2. Absent when none is mounted.
std::optional<CgroupPlace> memory_cgroup(std::string_view self_cgroup, std::string_view mountinfo);
std::optional<CgroupPlace> memory_cgroup_of_self();

/// The folder of the cgroup and of its ancestors up to the mount, innermost first.
std::vector<std::string> cgroup_folders(const CgroupPlace& place);

/// The least limit of the cgroup and its ancestors in bytes; absent when none is set.
std::optional<std::uint64_t> cgroup_memory_limit(const CgroupPlace& place);

/// How often the kernel's OOM killer struck in this Slurm step (in this cgroup, when the step's is not
/// recognisable). Absent when the kernel does not say.
std::optional<std::uint64_t> oom_kills(const CgroupPlace& place);
/// "oom_kill 3" in memory.events (v2) or memory.oom_control (v1).
std::optional<std::uint64_t> oom_kills_in(std::string_view text);

/// MemTotal of /proc/meminfo in bytes.
std::optional<std::uint64_t> memory_total(std::string_view meminfo);

/// The least of the above: what the kernel lets processes here have. Where no cgroup bounds memory, that is
/// more than the job's, which slurmctld alone knows.
std::optional<std::uint64_t> memory_here();

/// CPUs this process may run on, ascending (sched_getaffinity).
std::vector<int> cpus_by_affinity();

/// Free bytes for an unprivileged user of the file system at `path`.
std::optional<std::uint64_t> free_bytes(const std::string& path);
/// How many more files it takes; absent where that is not counted (btrfs) or cannot be read.
std::optional<std::uint64_t> free_files(const std::string& path);

/// Sets the soft limit of open files to the hard one and returns it; absent when it cannot be read.
std::optional<std::uint64_t> raise_open_files();

/// The limit of this process for RLIMIT_FSIZE, RLIMIT_AS (getrlimit(2)); absent: none.
std::optional<std::uint64_t> limit_of(int resource);

} // namespace railhead
