#pragma once

namespace railhead {

// What `railhead ranks` (agent/ranks.hpp) and the plan that starts it agree on.

/// In a rank's environment: the socket of its node's `railhead ranks`.
inline constexpr const char* ranks_mark = "RAILHEAD_RANKS";
/// What `railhead ranks` writes to its log when it listens, and when all its ranks run.
inline constexpr const char* ranks_listen = "listens for ranks";
inline constexpr const char* ranks_run = "every rank runs";
/// And when a rank was killed together with its `railhead task`.
inline constexpr const char* ranks_killed = "was killed with all of its step";

} // namespace railhead
