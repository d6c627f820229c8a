#include "launcher/recipes/ray_checks.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace railhead {

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

// Ray's services write some 10 MB of logs in their first minutes and stop working in odd ways without room.
constexpr std::uint64_t least_tmp_bytes = 100 * mib;
constexpr std::uint64_t least_tmp_files =
    1000; // 120 of a session that has just begun, and some of each worker process
// GCS and raylet hold a few sockets to each worker process, and Ray starts about one process per CPU.
constexpr std::uint64_t least_open_files = 1024;
constexpr std::uint64_t open_files_per_cpu = 16;
// A driver or worker of Ray 2.60 maps the object store and 1.25 GiB besides (VmPeak); with less than this
// none starts.
constexpr std::uint64_t least_beside_store = 1024 * mib;
// sun_path has 108 bytes with its final zero: unix(7).
constexpr std::size_t longest_socket_path = 107;
// <dir>/r/session_2026-11-22_12-30-03_312754_4194304/sockets/plasma_store; the dashboard's modules have
// longer names: dash_PlatformEventHead.
constexpr std::string_view longest_socket =
    "/r/session_2026-11-22_12-30-03_312754_4194304/sockets/plasma_store";
constexpr std::size_t dashboard_socket_extra = 10;
// Ray refuses an object store of less than 75 MiB, and imports itself in some more.
constexpr std::uint64_t least_memory_bytes = 100 * mib;
// Token authentication came with 2.52.
constexpr int least_minor = 52;

tl::unexpected<Error> refuse(Finding finding) {
    return fail(ErrorKind::check_refused, std::move(finding));
}

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i)
        text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
    return text;
}

std::string version_of(const Hello& hello, const char* name) {
    const auto at = hello.versions.find(name);
    return at == hello.versions.end() ? "" : at->second;
}

std::string versions_of(const Hello& hello) {
    return fmt::format("Ray {} with Python {}", version_of(hello, "ray"), version_of(hello, "python"));
}

/// The finding of the first node for which `judge` yields one, about all of them.
template <class Judge>
Result<void> first_of(const std::vector<Hello>& hellos, const Judge& judge) {
    std::optional<Finding> headline;
    std::vector<std::string> nodes;
    for (const auto& hello : hellos)
        if (std::optional<Finding> finding = judge(hello)) {
            if (!headline) headline = finding;
            nodes.push_back(hello.node);
        }
    if (!headline) return {};
    headline->where = where_of(nodes);
    return refuse(*headline);
}

std::optional<Finding> missing(const Hello& hello) {
    if (!version_of(hello, "ray").empty()) return std::nullopt;
    for (const auto& finding : hello.findings)
        if (finding.id.starts_with("ray-")) return finding;
    return Finding{.id = "ray-missing",
                   .thing = "ray",
                   .seen = "was not found",
                   .next = "install Ray there or give --ray PATH"};
}

std::optional<Finding> too_old(const Hello& hello) {
    const auto text = version_of(hello, "ray");
    const auto* end = text.data() + text.size();
    int major = 0, minor = 0;
    const auto dot = std::from_chars(text.data(), end, major);
    if (dot.ec != std::errc{} || dot.ptr == end || *dot.ptr != '.') return std::nullopt; // a private build
    if (std::from_chars(dot.ptr + 1, end, minor).ec != std::errc{}) return std::nullopt;
    if (major > 2 || (major == 2 && minor >= least_minor)) return std::nullopt;
    return Finding{.id = "ray-too-old",
                   .thing = "Ray " + text,
                   .seen = "has no token authentication: anybody on the cluster could run code as you",
                   .expected = fmt::format("2.{} or newer", least_minor),
                   .next = "upgrade Ray or give --ray PATH of a newer one"};
}

Result<void> same_versions(const std::vector<Hello>& hellos) {
    std::map<std::string, std::vector<std::string>> nodes;
    for (const auto& hello : hellos) nodes[versions_of(hello)].push_back(hello.node);
    if (nodes.size() < 2) return {};
    // What most nodes have is expected; with equal numbers, what the head has.
    const auto* usual = &nodes.at(versions_of(hellos.front()));
    auto expected = versions_of(hellos.front());
    for (const auto& [versions, those] : nodes)
        if (those.size() > usual->size()) {
            usual = &those;
            expected = versions;
        }
    const auto odd =
        std::ranges::find_if(hellos, [&](const auto& hello) { return versions_of(hello) != expected; });
    std::vector<std::string> others;
    for (const auto& hello : hellos)
        if (versions_of(hello) != expected && versions_of(hello) != versions_of(*odd))
            others.push_back(fmt::format("{} has {}", hello.node, versions_of(hello)));
    const auto more = others.empty() ? "" : "; " + list_of(others);
    return refuse({.id = "ray-version",
                   .where = where_of(nodes.at(versions_of(*odd))),
                   .thing = version_of(*odd, "ray.program"),
                   .seen = "is " + versions_of(*odd),
                   .expected = fmt::format("{} as on {}{}", expected, list_of(*usual), more),
                   .next = "use one environment on all nodes, or give --ray PATH"});
}

std::optional<Finding> few_open_files(const Allocation& allocation, const Hello& hello) {
    const auto cpus = static_cast<std::uint64_t>(std::max(0, allocated_cpus(allocation, hello)));
    const auto least = std::max(least_open_files, open_files_per_cpu * cpus);
    if (!hello.nofile || *hello.nofile >= least) return std::nullopt;
    return Finding{.id = "ray-open-files",
                   .thing = "the limit of open files (ulimit -Hn)",
                   .seen = fmt::format("is {}", *hello.nofile),
                   .expected = fmt::format("at least {} for {} CPUs", least, cpus),
                   .next = "raise it in the job script, or ask the administrator for PropagateResourceLimits "
                           "and LimitNOFILE of slurmd"};
}

/// A shell's limits that end Ray's services in ways of their own.
std::optional<Finding> low_limit(const Hello& hello, std::uint64_t object_store) {
    Finding low{.id = "ray-ulimit", .next = "lift it in the job script, or submit from a shell without it"};
    // The store is a file in /dev/shm; by default 30 % of the memory.
    const auto by_default = std::min(hello.mem_bytes.value_or(0) / 10 * 3, hello.shm_bytes.value_or(0));
    const auto store = object_store > 0 ? object_store : by_default;
    const auto least_file = std::max(least_tmp_bytes, store);
    if (hello.file_bytes && *hello.file_bytes < least_file) {
        low.thing = "the limit of a file's size (ulimit -f)";
        low.seen = fmt::format("is {} KiB", *hello.file_bytes / 1024);
        low.expected = fmt::format("at least {} KiB for Ray's object store and logs", least_file / 1024);
    } else if (hello.address_space && *hello.address_space < store + least_beside_store) {
        low.thing = "the limit of address space (ulimit -v)";
        low.seen = fmt::format("is {} KiB", *hello.address_space / 1024);
        low.expected = fmt::format("none, or at least {} KiB for the object store and a Python process",
                                   (store + least_beside_store) / 1024);
    } else {
        return std::nullopt;
    }
    return low;
}

std::optional<Finding> tmp_full(const Hello& hello) {
    Finding full{.id = "ray-tmp-full",
                 .thing = hello.dir,
                 .next = "free space there, or give another directory with --tmp"};
    if (hello.tmp_free_bytes && *hello.tmp_free_bytes < least_tmp_bytes) {
        full.seen = fmt::format("has {} MiB of free space", *hello.tmp_free_bytes / mib);
        full.expected = fmt::format("at least {} MiB for Ray's logs", least_tmp_bytes / mib);
    } else if (hello.tmp_free_files && *hello.tmp_free_files < least_tmp_files) {
        full.seen = fmt::format("has room for {} more files (inodes)", *hello.tmp_free_files);
        full.expected = fmt::format("at least {} for Ray's session", least_tmp_files);
    } else {
        return std::nullopt;
    }
    return full;
}

std::optional<Finding> little_memory(const Hello& hello, std::uint64_t object_store) {
    if (!hello.mem_bytes) return std::nullopt;
    auto least = std::max(least_memory_bytes, object_store);
    if (*hello.mem_bytes >= least) return std::nullopt;
    return Finding{
        .id = "ray-memory",
        .thing = "the job's memory",
        .seen = fmt::format("is {} MiB", *hello.mem_bytes / mib),
        .expected = fmt::format("at least {} MiB for {}", least / mib,
                                object_store > least_memory_bytes ? "the object store that was asked for"
                                                                  : "Ray itself"),
        .next = object_store > least_memory_bytes ? "ask for more (--mem), or give a smaller --object-store"
                                                  : "ask for more (--mem)"};
}

std::optional<Finding> little_shm(const Hello& hello) {
    if (!hello.shm_bytes || *hello.shm_bytes >= least_store_bytes) return std::nullopt;
    return Finding{.id = "ray-shm",
                   .thing = "/dev/shm",
                   .seen = fmt::format("has {} MiB of free space", *hello.shm_bytes / mib),
                   .expected = fmt::format("at least {} MiB for Ray's object store", least_store_bytes / mib),
                   .next = "remove what other jobs left there, or exclude the node (--exclude)"};
}

Result<void> store_is_large_enough(std::uint64_t wish) {
    if (wish == 0 || wish >= least_store_bytes) return {};
    return refuse({.id = "ray-object-store",
                   .thing = "the object store that was asked for",
                   .seen = fmt::format("is {} bytes", wish),
                   .expected = fmt::format("at least {} MiB, Ray's own least", least_store_bytes / mib),
                   .next = fmt::format("ask for --object-store={}M or more, or leave it out",
                                       least_store_bytes / mib)});
}

} // namespace

std::string where_of(const std::vector<std::string>& nodes) {
    if (nodes.size() < 2) return nodes.empty() ? "" : nodes.front();
    return nodes.front() + " (also " + list_of({nodes.begin() + 1, nodes.end()}) + ")";
}

Result<void> check_ray(const LaunchInput& input, bool dashboard, std::uint64_t object_store) {
    const auto& hellos = input.hellos;
    const auto longest = longest_socket.size() + (dashboard ? dashboard_socket_extra : 0);
    const auto long_path = [&](const Hello& hello) -> std::optional<Finding> {
        const auto bytes = hello.dir.size() + longest;
        if (bytes <= longest_socket_path) return std::nullopt;
        return Finding{.id = "ray-socket-path",
                       .thing = "the path of Ray's sockets below " + hello.dir,
                       .seen = fmt::format("would have {} bytes", bytes),
                       .expected = fmt::format("at most {}", longest_socket_path),
                       .next = "give a shorter directory with --tmp"};
    };
    const auto few_files = [&](const Hello& hello) { return few_open_files(input.allocation, hello); };
    if (hellos.empty()) return refuse({.id = "no-nodes", .thing = "the job", .seen = "has no node"});
    return store_is_large_enough(object_store)
        .and_then([&] { return first_of(hellos, missing); })
        .and_then([&] { return first_of(hellos, too_old); })
        .and_then([&] { return same_versions(hellos); })
        .and_then([&] { return first_of(hellos, long_path); })
        .and_then([&] { return first_of(hellos, tmp_full); })
        .and_then([&] { return first_of(hellos, few_files); })
        .and_then([&] {
            return first_of(hellos, [&](const Hello& hello) { return low_limit(hello, object_store); });
        })
        .and_then([&] {
            return first_of(hellos, [&](const Hello& hello) { return little_memory(hello, object_store); });
        })
        .and_then([&] { return first_of(hellos, little_shm); });
}

} // namespace railhead
