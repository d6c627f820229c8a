#pragma once
#include <string>

namespace railhead {

// What `railhead ranks` (agent/ranks.hpp) and the plan that starts it agree on.

/// In a rank's environment: the socket of its node's `railhead ranks`.
inline constexpr const char* ranks_mark = "RAILHEAD_RANKS";
/// What `railhead ranks` writes to its log when it listens, and when all its ranks run.
inline constexpr const char* ranks_listen = "listens for ranks";
inline constexpr const char* ranks_run = "every rank runs";
/// In a rank's environment: its output goes to the files of rank_log_name().
inline constexpr const char* rank_logs_mark = "RAILHEAD_RANK_LOGS";

/// "rank3" of the files rank3.out and rank3.err.
inline std::string rank_log_name(int rank) {
    return "rank" + std::to_string(rank);
}

} // namespace railhead
