#pragma once
#include "launcher/recipes/recipe.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// What `railhead ray` can be told; everything absent is derived from what each node gives.
struct RayOptions {
    std::optional<int> head_gpus, head_cpus; ///< what the head offers to Ray; 0: no work there
    std::vector<std::string> ray_args;       ///< added to `ray start` everywhere, last: the user's word wins
    std::vector<std::string> head_ray_args, worker_ray_args;
    /// "on", "off"; absent: Key::ray_dashboard, and "on" when there is no command (`ray job submit` needs it)
    std::optional<std::string> dashboard;
    std::optional<std::uint64_t> object_store_bytes; ///< per node; absent: Key::ray_object_store
};

/// What the agents must find out for plan_ray: Invitation::probes and ::probe_args hold "ray".
inline constexpr std::string_view ray_probe_name = "ray";

/// A Ray cluster over all nodes of the job: one `ray start` on each, begun at once; workers are released as
/// soon as the head's GCS listens; then the command on the head. docs/ray.md says what every flag is for.
/// Error (check_refused): "ray-missing", "ray-broken", "ray-version", "ray-too-old", "ray-open-files",
/// "ray-tmp-full", "ray-socket-path", "ray-head-gpus"; the sentence is about the first bad node and names
/// the others.
Result<Plan> plan_ray(const LaunchInput& input, const RayOptions& options);

/// Bytes of Ray's object store on a node: the wish, else 30 % of the job's memory; at most 80 % of what is
/// free in /dev/shm and 200 GB, at least the 75 MiB that Ray accepts. Absent when neither is known.
std::optional<std::uint64_t> object_store_bytes(const Hello& hello, std::uint64_t wish);

} // namespace railhead
