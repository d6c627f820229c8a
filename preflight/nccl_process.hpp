#pragma once
#include "preflight/nccl_log.hpp"

#include <string>
#include <string_view>

namespace railhead::nccl {

/// What NCCL says of a process before it makes connections: its variables, interfaces, adapters, the network
/// it chooses, and why not another. True if that was new, and is kept.
bool read_process(std::string_view message, Process& process);

/// No longer than is kept.
inline std::string short_text(std::string_view text) {
    return std::string(text.substr(0, longest_text));
}

} // namespace railhead::nccl
