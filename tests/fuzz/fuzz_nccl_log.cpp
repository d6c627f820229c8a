// Anything that stands in a file of logs: read in pieces, judged, and bounded.
#include "preflight/nccl_verdict.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    railhead::nccl::LogReader whole, pieces;
    whole.read(text);
    for (std::size_t at = 0; at < size; at += 7) pieces.read(text.substr(at, 7));
    const auto log = whole.take(), other = pieces.take();
    const auto findings = railhead::nccl::verdicts(log);
    if (log.lines != other.lines || findings != railhead::nccl::verdicts(other)) std::abort();
    if (railhead::nccl::pairs_of(log) != railhead::nccl::pairs_of(other)) std::abort();
    const auto summary = railhead::nccl::summary_of(log);
    for (const auto& communicator : log.communicators)
        for (const auto& peer : communicator.peers)
            if (peer.second.process >= log.processes.size()) std::abort();
    if (log.lines == 0 && summary.ranks > 0) std::abort();
    return 0;
}
