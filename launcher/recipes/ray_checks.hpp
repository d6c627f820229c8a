#pragma once
#include "launcher/recipes/ray.hpp"

namespace railhead {

/// Ray takes no smaller object store: OBJECT_STORE_MINIMUM_MEMORY_BYTES in ray/_private/ray_constants.py.
inline constexpr std::uint64_t least_store_bytes = 75 * 1024 * 1024;

/// What makes a Ray cluster impossible on these nodes, found before anything is started. Success: nothing.
/// Thresholds and their reasons stand in ray_checks.cpp.
/// `object_store`: bytes per node that were asked for; 0: what fits.
Result<void> check_ray(const LaunchInput& input, bool dashboard, std::uint64_t object_store);

/// A finding about several nodes: `finding` is about the first, the others are named beside it.
/// "node2 (also node3 and node4)"
std::string where_of(const std::vector<std::string>& nodes);

} // namespace railhead
