#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace railhead::nccl {

/// What NCCL or RCCL writes with NCCL_DEBUG (src/debug.cc): "host:pid:tid [device] NCCL INFO message", and
/// "host:pid:tid [device] file.cc:line NCCL WARN message"; before it stands whatever srun, mpirun, Ray or a
/// clock puts there.
struct Line {
    std::string_view host;    ///< empty where the line has no sender: "NCCL version 2.18.3+cuda12.2"
    std::uint32_t pid = 0;    ///< of the process
    std::int32_t device = -1; ///< CUDA's number of the GPU; -1: not told
    bool is_warning = false;
    std::string_view message; ///< without blanks at its end
};

/// Absent: not NCCL's. The result refers to `line`, which is without its newline.
std::optional<Line> line_from(std::string_view line);

} // namespace railhead::nccl
